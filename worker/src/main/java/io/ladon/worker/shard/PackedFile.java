package io.ladon.worker.shard;

import io.ladon.engine.checkpoint.Checksums;
import io.ladon.engine.checkpoint.TensorSlice;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A packed shard's file.
 *
 * <pre>
 * packed bytes of every tensor, one after the other
 * index: what the shard was packed from (slices and the CRC-32C of each), where every tensor is
 * trailer of 16 bytes: length of the index (u32), CRC-32C of the index (u32), "LADONPK1"; big endian
 * </pre>
 *
 * For many threads.
 */
final class PackedFile implements Closeable {

  static final long MAGIC = 0x4C41_444F_4E50_4B31L; // LADONPK1

  /** A ByteBuffer's longest view, rounded down. */
  static final long PART = 1L << 30;

  private static final int TRAILER = 16;
  private static final int LONGEST_INDEX = 64 << 20;

  /**
   * Where a tensor is.
   *
   * @param offset of its first byte
   * @param crc CRC-32C of its bytes
   */
  record Entry(long offset, long bytes, int crc) {}

  /**
   * What is in a file.
   *
   * @param sources the slices that it was packed from, with the CRC-32C of each
   * @param tensors by name
   */
  record Index(Map<TensorSlice, Integer> sources, Map<String, Entry> tensors) {

    byte[] encode() throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeInt(sources.size());
      for (Map.Entry<TensorSlice, Integer> source : sources.entrySet()) {
        TensorSlice slice = source.getKey();
        out.writeUTF(slice.tensor());
        out.writeInt(slice.rowBegin());
        out.writeInt(slice.rowEnd());
        out.writeInt(slice.columnBegin());
        out.writeInt(slice.columnEnd());
        out.writeInt(source.getValue());
      }
      out.writeInt(tensors.size());
      for (Map.Entry<String, Entry> tensor : tensors.entrySet()) {
        out.writeUTF(tensor.getKey());
        out.writeLong(tensor.getValue().offset());
        out.writeLong(tensor.getValue().bytes());
        out.writeInt(tensor.getValue().crc());
      }
      return bytes.toByteArray();
    }

    static Index decode(byte[] bytes) throws IOException {
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
      Map<TensorSlice, Integer> sources = new LinkedHashMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        sources.put(
            new TensorSlice(in.readUTF(), in.readInt(), in.readInt(), in.readInt(), in.readInt()),
            in.readInt());
      }
      Map<String, Entry> tensors = new HashMap<>();
      for (int left = in.readInt(); left > 0; left--) {
        tensors.put(in.readUTF(), new Entry(in.readLong(), in.readLong(), in.readInt()));
      }
      return new Index(sources, tensors);
    }
  }

  private final Path path;
  private final FileChannel channel;
  private final Index index;

  private PackedFile(Path path, FileChannel channel, Index index) {
    this.path = path;
    this.channel = channel;
    this.index = index;
  }

  /**
   * Opens a file and reads its index.
   *
   * @throws IOException if it is not whole
   */
  static PackedFile open(Path path) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    try {
      return new PackedFile(path, channel, readIndex(channel));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  private static Index readIndex(FileChannel channel) throws IOException {
    long end = channel.size() - TRAILER;
    if (end < 0) {
      throw new EOFException("only " + channel.size() + " bytes");
    }
    ByteBuffer trailer = ByteBuffer.allocate(TRAILER);
    read(channel, trailer, end);
    int length = trailer.getInt(0);
    if (trailer.getLong(8) != MAGIC || length < 0 || length > Math.min(end, LONGEST_INDEX)) {
      throw new IOException("no packed shard: its last bytes, from " + end + " on, are wrong");
    }
    ByteBuffer bytes = ByteBuffer.allocate(length);
    read(channel, bytes, end - length);
    if (Checksums.crc32c(MemorySegment.ofArray(bytes.array())) != trailer.getInt(4)) {
      throw new IOException("its index, from byte " + (end - length) + " on, is damaged");
    }
    return Index.decode(bytes.array());
  }

  /** What the file was packed from: slices, and the CRC-32C of each. */
  Map<TensorSlice, Integer> sources() {
    return index.sources();
  }

  /**
   * Reads a tensor's packed bytes.
   *
   * @throws DamagedShelfException if they are not there in this size, or damaged
   */
  void read(String tensor, MemorySegment target) throws IOException {
    Entry entry = index.tensors().get(tensor);
    if (entry == null || entry.bytes() != target.byteSize()) {
      throw new DamagedShelfException(
          "%s: tensor %s has %s bytes instead of %d"
              .formatted(path, tensor, entry == null ? "no" : entry.bytes(), target.byteSize()));
    }
    for (long at = 0; at < entry.bytes(); at += PART) {
      long part = Math.min(PART, entry.bytes() - at);
      read(channel, target.asSlice(at, part).asByteBuffer(), entry.offset() + at);
    }
    if (Checksums.crc32c(target) != entry.crc()) {
      throw new DamagedShelfException("%s: tensor %s is damaged".formatted(path, tensor));
    }
  }

  private static void read(FileChannel channel, ByteBuffer target, long offset) throws IOException {
    long at = offset;
    while (target.hasRemaining()) {
      int count = channel.read(target, at);
      if (count < 0) {
        throw new EOFException("the file ends at byte " + at);
      }
      at += count;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
