package io.ladon.worker.shard;

import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.proto.HeldShard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Packed shards on disk, one file each, as {@code <directory>/packed/<fingerprint>/<shard>.packed}.
 * A file appears whole or not at all, and is never written again in place. Shards of plans that
 * have not been used for long make room for new ones.
 */
public final class PackedCache {

  private static final Logger log = LoggerFactory.getLogger(PackedCache.class);

  /** Files are kept up to so many times the size of the newest ... */
  private static final long KEPT = 4;

  /** ... or so many bytes, whichever is more. */
  private static final long KEPT_BYTES = 8L << 30;

  /** As many are told when a worker joins. */
  private static final int TOLD = 32;

  private static final Pattern NAME =
      Pattern.compile(
          "([0-9a-fA-F]+)/([0-9a-fA-F]+)-(\\d{1,9})\\.v%d\\.packed"
              .formatted(PackedMatrix.LAYOUT_VERSION));

  private final Path root;
  private final Path file;

  /**
   * @param fingerprint of the checkpoint, in hex
   * @param planDigest of the plan
   */
  PackedCache(Path cacheDirectory, String fingerprint, String planDigest, int rank) {
    if (!fingerprint.matches("[0-9a-fA-F]{8,128}") || !planDigest.matches("[0-9a-fA-F]{1,64}")) {
      throw new IllegalArgumentException(
          "no fingerprint and digest: '" + fingerprint + "', '" + planDigest + "'");
    }
    this.root = cacheDirectory.resolve("packed");
    this.file =
        root.resolve(fingerprint)
            .resolve("%s-%d.v%d.packed".formatted(planDigest, rank, PackedMatrix.LAYOUT_VERSION));
  }

  /** What a worker with this cache has at hand, the latest used first. */
  public static List<HeldShard> held(Path cacheDirectory) {
    Path root = cacheDirectory.resolve("packed");
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    try {
      return latestFirst(root).stream()
          .map(root::relativize)
          .flatMap(PackedCache::shard)
          .limit(TOLD)
          .toList();
    } catch (IOException | UncheckedIOException e) {
      log.debug("event=packed_not_listed error=\"{}\"", e.getMessage());
      return List.of();
    }
  }

  private static Stream<HeldShard> shard(Path underRoot) {
    Matcher name = NAME.matcher(underRoot.toString());
    return name.matches()
        ? Stream.of(
            HeldShard.newBuilder()
                .setCheckpoint(name.group(1))
                .setPlanDigest(name.group(2))
                .setRank(Integer.parseInt(name.group(3)))
                .build())
        : Stream.of();
  }

  private static List<Path> latestFirst(Path root) throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      Map<Path, FileTime> times = new HashMap<>();
      paths.filter(Files::isRegularFile).forEach(path -> times.put(path, lastUsed(path)));
      List<Path> files = new ArrayList<>(times.keySet());
      files.sort(Comparator.<Path, FileTime>comparing(times::get).reversed());
      return files;
    }
  }

  /** The shard's file, if it is there and whole. */
  @Nullable PackedFile open() {
    if (!Files.exists(file)) {
      return null;
    }
    try {
      PackedFile opened = PackedFile.open(file);
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      return opened;
    } catch (IOException e) {
      log.warn("event=packed_unusable path={} error=\"{}\"", file, e.getMessage());
      drop();
      return null;
    }
  }

  /** Removes the shard's file: it is not what it should be. */
  void drop() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("event=packed_undeletable path={} error=\"{}\"", file, e.getMessage());
    }
  }

  /** Writes the shard's file, from the first tensor that is put. */
  PackedWriter writer() {
    return new PackedWriter(file);
  }

  /** Deletes files that were not used for longest, to keep all within bounds. */
  void makeRoom() {
    try {
      List<Path> files = latestFirst(root);
      long allowed = Math.max(KEPT_BYTES, KEPT * Files.size(file));
      long bytes = 0;
      for (Path old : files) {
        bytes += Files.size(old);
        if (bytes > allowed && !old.equals(file)) {
          log.info("event=packed_evicted path={} bytes={}", old, Files.size(old));
          Files.deleteIfExists(old);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // Another worker of this machine may tidy up at the same time.
      log.debug("event=packed_not_tidied error=\"{}\"", e.getMessage());
    }
  }

  private static FileTime lastUsed(Path path) {
    try {
      return Files.getLastModifiedTime(path);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }
}
