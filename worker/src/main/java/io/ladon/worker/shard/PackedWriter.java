package io.ladon.worker.shard;

import io.ladon.engine.checkpoint.Checksums;
import io.ladon.engine.checkpoint.TensorSlice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a packed shard's file. Where that fails (a full disk, say) the shard is used all the same,
 * and packed again at the next start. For many threads. Closed before {@link #commit}, it leaves no
 * trace.
 */
final class PackedWriter implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(PackedWriter.class);

  private final Path file;
  private final Path partial;
  private final Map<String, PackedFile.Entry> tensors = new LinkedHashMap<>();
  private @Nullable FileChannel channel;
  private long end;
  private boolean failed;

  PackedWriter(Path file) {
    this.file = file;
    this.partial = file.resolveSibling(file.getFileName() + "." + UUID.randomUUID() + ".part");
  }

  void put(String tensor, MemorySegment packed) {
    int crc = Checksums.crc32c(packed);
    synchronized (this) {
      if (failed) {
        return;
      }
      try {
        tensors.put(tensor, new PackedFile.Entry(end, packed.byteSize(), crc));
        for (long at = 0; at < packed.byteSize(); at += PackedFile.PART) {
          long part = Math.min(PackedFile.PART, packed.byteSize() - at);
          write(packed.asSlice(at, part).asByteBuffer());
        }
      } catch (IOException e) {
        fail(e);
      }
    }
  }

  /**
   * Puts the file in its place.
   *
   * @param sources what it was packed from, with the CRC-32C of each
   * @return whether there is a new file
   */
  synchronized boolean commit(Map<TensorSlice, Integer> sources) {
    if (failed || channel == null) {
      return false;
    }
    try {
      byte[] index = new PackedFile.Index(sources, tensors).encode();
      ByteBuffer tail = ByteBuffer.allocate(index.length + 16).put(index);
      tail.putInt(index.length).putInt(Checksums.crc32c(MemorySegment.ofArray(index)));
      write(tail.putLong(PackedFile.MAGIC).flip());
      channel.close();
      Files.move(
          partial, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      log.info("event=packed_kept path={} bytes={}", file, end);
      return true;
    } catch (IOException e) {
      fail(e);
      return false;
    }
  }

  private void write(ByteBuffer bytes) throws IOException {
    if (channel == null) {
      Files.createDirectories(file.getParent());
      channel = FileChannel.open(partial, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    }
    while (bytes.hasRemaining()) {
      end += channel.write(bytes);
    }
  }

  private void fail(IOException e) {
    failed = true;
    log.warn("event=packed_not_kept path={} error=\"{}\"", file, e.getMessage());
    close();
  }

  @Override
  public synchronized void close() {
    if (channel == null) {
      return;
    }
    try {
      channel.close();
      Files.deleteIfExists(partial);
    } catch (IOException e) {
      log.warn("event=packed_undeletable path={} error=\"{}\"", partial, e.getMessage());
    }
  }
}
