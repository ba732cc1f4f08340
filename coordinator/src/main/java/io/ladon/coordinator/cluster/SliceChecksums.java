package io.ladon.coordinator.cluster;

import io.ladon.engine.checkpoint.Checksums;
import io.ladon.engine.checkpoint.TensorSlice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checksums (CRC-32C) of a checkpoint's slices. Each is computed once, and kept in a file for later
 * starts, so that a cluster whose workers hold their shards starts without reading the checkpoint.
 * The file counts as long as the checkpoint has the size, time and identity that it had. Of one
 * thread.
 */
public final class SliceChecksums {

  private static final Logger log = LoggerFactory.getLogger(SliceChecksums.class);

  private static final String FORMAT = "ladon-checksums-1";

  /** More are computed anew when they are wanted again. */
  private static final int MOST = 1 << 17;

  private final Map<TensorSlice, Integer> known = new HashMap<>();
  private final @Nullable Path file;
  private final String identity;
  private boolean changed;

  private SliceChecksums(@Nullable Path file, String identity) {
    this.file = file;
    this.identity = identity;
  }

  /** Kept by nobody. */
  static SliceChecksums inMemory() {
    return new SliceChecksums(null, "");
  }

  /**
   * Those of a checkpoint.
   *
   * @param folder for files of checksums; null keeps none
   * @param fingerprint of the checkpoint, in hex
   * @throws IOException if there is no such checkpoint
   */
  public static SliceChecksums of(@Nullable Path folder, Path checkpoint, String fingerprint)
      throws IOException {
    if (folder == null) {
      return inMemory();
    }
    BasicFileAttributes found = Files.readAttributes(checkpoint, BasicFileAttributes.class);
    SliceChecksums checksums =
        new SliceChecksums(
            folder.resolve(fingerprint),
            "%s %d %d %s"
                .formatted(
                    FORMAT,
                    found.size(),
                    found.lastModifiedTime().to(TimeUnit.NANOSECONDS),
                    found.fileKey()));
    checksums.read();
    return checksums;
  }

  /** The checksum of a slice that was computed before; null if none was. */
  @Nullable Integer known(TensorSlice slice) {
    return known.get(slice);
  }

  /** The checksum of a slice with these bytes. */
  int of(TensorSlice slice, MemorySegment bytes) {
    Integer before = known(slice);
    if (before != null) {
      return before;
    }
    int value = Checksums.crc32c(bytes);
    if (known.size() < MOST) {
      known.put(slice, value);
      changed = true;
    }
    return value;
  }

  /**
   * Writes what is new to the file. A folder that cannot be written costs later starts time only.
   */
  void keep() {
    Path target = file;
    if (target == null || !changed) {
      return;
    }
    changed = false;
    try {
      Path folder = Files.createDirectories(target.toAbsolutePath().getParent());
      Path written = Files.createTempFile(folder, target.getFileName() + ".", ".part");
      try {
        Stream<String> lines =
            known.entrySet().stream().map(e -> line(e.getKey(), e.getValue())).sorted();
        Files.write(written, Stream.concat(Stream.of(identity), lines).toList());
        Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(written);
      }
    } catch (IOException e) {
      log.warn("checksums of the checkpoint cannot be kept for the next start: {}", e.toString());
    }
  }

  private void read() {
    Path source = file;
    if (source == null || !Files.isReadable(source)) {
      return;
    }
    try {
      List<String> lines = Files.readAllLines(source);
      if (lines.isEmpty() || !lines.getFirst().equals(identity)) {
        log.info("{} is of another state of the checkpoint", source);
        return;
      }
      for (String line : lines.subList(1, lines.size())) {
        String[] words = line.split(" ", 6);
        known.put(
            new TensorSlice(
                words[5],
                Integer.parseInt(words[1]),
                Integer.parseInt(words[2]),
                Integer.parseInt(words[3]),
                Integer.parseInt(words[4])),
            Integer.parseUnsignedInt(words[0], 16));
      }
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      known.clear();
      log.warn("{} is no file of checksums: {}", source, e.toString());
    }
  }

  private static String line(TensorSlice slice, int checksum) {
    return "%08x %d %d %d %d %s"
        .formatted(
            checksum,
            slice.rowBegin(),
            slice.rowEnd(),
            slice.columnBegin(),
            slice.columnEnd(),
            slice.tensor());
  }
}
