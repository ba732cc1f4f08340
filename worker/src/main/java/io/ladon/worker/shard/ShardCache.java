package io.ladon.worker.shard;

import io.ladon.engine.checkpoint.TensorSlice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Slices on disk, as {@code <directory>/shards/<fingerprint>/<slice>.bin}, one file for each with
 * nothing but its bytes. A file appears whole or not at all, and is never written again in place:
 * workers of one machine may share a directory. Nothing here is trusted: whoever uses a file
 * compares its checksum with the coordinator's.
 */
final class ShardCache {

  private final Path directory;

  /**
   * @param fingerprint of the checkpoint, in hex
   */
  ShardCache(Path cacheDirectory, String fingerprint) {
    if (!fingerprint.matches("[0-9a-fA-F]{8,128}")) {
      throw new IllegalArgumentException("no fingerprint: '" + fingerprint + "'");
    }
    this.directory = cacheDirectory.resolve("shards").resolve(fingerprint);
  }

  Path file(TensorSlice slice) {
    return directory.resolve(
        "%s-r%d-%d-c%d-%d.bin"
            .formatted(
                fileName(slice.tensor()),
                slice.rowBegin(),
                slice.rowEnd(),
                slice.columnBegin(),
                slice.columnEnd()));
  }

  /** The bytes of a slice, mapped, or null if they are not there in full. */
  @Nullable MemorySegment map(TensorSlice slice, long bytes, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file(slice), StandardOpenOption.READ)) {
      if (channel.size() != bytes) {
        return null;
      }
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena).asReadOnly();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** A new file that will be the slice's once it is complete. */
  Entry create(TensorSlice slice) throws IOException {
    Files.createDirectories(directory);
    Path file = file(slice);
    Path partial = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
    FileChannel channel =
        FileChannel.open(partial, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return new Entry(file, partial, channel);
  }

  /** A tensor's name with everything that may not stand in a file name as %XX. */
  private static String fileName(String tensor) {
    StringBuilder name = new StringBuilder();
    for (byte b : tensor.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '_'
              || (c == '.' && !name.isEmpty());
      if (plain) {
        name.append(c);
      } else {
        name.append(String.format(Locale.ROOT, "%%%02X", (int) c));
      }
    }
    return name.toString();
  }

  /** A slice that is being written. Closing it before {@link #commit} leaves no trace. */
  record Entry(Path file, Path partial, FileChannel channel) implements AutoCloseable {

    /** Puts the file in its place. What a crash may leave half-written fails its checksum later. */
    void commit() throws IOException {
      channel.close();
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
      channel.close();
      Files.deleteIfExists(partial);
    }
  }
}
