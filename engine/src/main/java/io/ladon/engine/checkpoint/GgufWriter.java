package io.ladon.engine.checkpoint;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a GGUF file, version 3 unless told otherwise. Tensors are asked for their bytes one after
 * another while the file is written, so that it need not fit into memory.
 */
public final class GgufWriter {

  private static final int BUFFER = 1 << 20;

  /** Writes the encoded bytes of a tensor, exactly as many as it has. */
  @FunctionalInterface
  public interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private record Tensor(TensorInfo info, boolean vector, Content content) {}

  private final int version;
  private final int alignment;
  private final List<byte[]> pairs = new ArrayList<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private long dataLength;

  public GgufWriter() {
    this(3, GgufParser.DEFAULT_ALIGNMENT);
  }

  /**
   * @param version 2 or 3
   * @param alignment of tensors, a power of two
   */
  public GgufWriter(int version, int alignment) {
    this.version = version;
    this.alignment = alignment;
    if (alignment != GgufParser.DEFAULT_ALIGNMENT) {
      putInt(GgufParser.ALIGNMENT_KEY, alignment);
    }
  }

  /** Adds a text. */
  public GgufWriter putString(String key, String value) {
    ByteArrayOutputStream pair = begin(key, GgufValueType.STRING);
    LittleEndian.writeString(pair, value);
    return end(pair);
  }

  /** Adds an unsigned 32-bit number. */
  public GgufWriter putInt(String key, int value) {
    ByteArrayOutputStream pair = begin(key, GgufValueType.UINT32);
    LittleEndian.writeInt(pair, value);
    return end(pair);
  }

  /** Adds a float32. */
  public GgufWriter putFloat(String key, float value) {
    ByteArrayOutputStream pair = begin(key, GgufValueType.FLOAT32);
    LittleEndian.writeInt(pair, Float.floatToRawIntBits(value));
    return end(pair);
  }

  /** Adds a truth value. */
  public GgufWriter putBool(String key, boolean value) {
    ByteArrayOutputStream pair = begin(key, GgufValueType.BOOL);
    pair.write(value ? 1 : 0);
    return end(pair);
  }

  /** Adds an array of texts. */
  public GgufWriter putStrings(String key, List<String> values) {
    ByteArrayOutputStream pair = beginArray(key, GgufValueType.STRING, values.size());
    for (String value : values) {
      LittleEndian.writeString(pair, value);
    }
    return end(pair);
  }

  /** Adds an array of signed 32-bit numbers. */
  public GgufWriter putInts(String key, int[] values) {
    ByteArrayOutputStream pair = beginArray(key, GgufValueType.INT32, values.length);
    for (int value : values) {
      LittleEndian.writeInt(pair, value);
    }
    return end(pair);
  }

  /** Adds an array of float32. */
  public GgufWriter putFloats(String key, float[] values) {
    ByteArrayOutputStream pair = beginArray(key, GgufValueType.FLOAT32, values.length);
    for (float value : values) {
      LittleEndian.writeInt(pair, Float.floatToRawIntBits(value));
    }
    return end(pair);
  }

  /** Adds an array of truth values. */
  public GgufWriter putBools(String key, boolean[] values) {
    ByteArrayOutputStream pair = beginArray(key, GgufValueType.BOOL, values.length);
    for (boolean value : values) {
      pair.write(value ? 1 : 0);
    }
    return end(pair);
  }

  /** Adds a tensor of one dimension. */
  public GgufWriter vector(String name, TensorType type, int elements, Content content) {
    return add(name, type, 1, elements, true, content);
  }

  /** Adds a tensor of two dimensions. */
  public GgufWriter matrix(String name, TensorType type, int rows, int columns, Content content) {
    return add(name, type, rows, columns, false, content);
  }

  /** The header alone, with padding up to the data section. */
  public byte[] header() {
    ByteArrayOutputStream infos = new ByteArrayOutputStream();
    for (Tensor tensor : tensors) {
      TensorInfo info = tensor.info();
      LittleEndian.writeString(infos, info.name());
      LittleEndian.writeInt(infos, tensor.vector() ? 1 : 2);
      LittleEndian.writeLong(infos, info.columns());
      if (!tensor.vector()) {
        LittleEndian.writeLong(infos, info.rows());
      }
      LittleEndian.writeInt(infos, info.type().ggmlId());
      LittleEndian.writeLong(infos, info.offset());
    }
    byte[] header = GgufParser.encode(version, tensors.size(), pairs, infos.toByteArray());
    ByteArrayOutputStream padded = new ByteArrayOutputStream();
    padded.writeBytes(header);
    padded.writeBytes(new byte[padding(header.length)]);
    return padded.toByteArray();
  }

  /**
   * Writes the file, replacing any that is there.
   *
   * @throws IOException if it cannot be written
   * @throws IllegalStateException if a tensor's content has not as many bytes as it should
   */
  public void write(Path path) throws IOException {
    try (CountingStream out = new CountingStream(Files.newOutputStream(path))) {
      out.write(header());
      for (Tensor tensor : tensors) {
        long before = out.count();
        tensor.content().writeTo(out);
        long written = out.count() - before;
        if (written != tensor.info().bytes()) {
          throw new IllegalStateException(
              "tensor '%s' wrote %d bytes instead of %d"
                  .formatted(tensor.info().name(), written, tensor.info().bytes()));
        }
        out.write(new byte[padding(written)]);
      }
    }
  }

  private int padding(long length) {
    return (int) (GgufParser.align(length, alignment) - length);
  }

  private GgufWriter add(
      String name, TensorType type, int rows, int columns, boolean vector, Content content) {
    TensorInfo info = new TensorInfo(name, type, rows, columns, dataLength);
    tensors.add(new Tensor(info, vector, content));
    dataLength = GgufParser.align(dataLength + info.bytes(), alignment);
    return this;
  }

  private static ByteArrayOutputStream begin(String key, GgufValueType type) {
    ByteArrayOutputStream pair = new ByteArrayOutputStream();
    LittleEndian.writeString(pair, key);
    LittleEndian.writeInt(pair, type.number());
    return pair;
  }

  private static ByteArrayOutputStream beginArray(String key, GgufValueType type, int count) {
    ByteArrayOutputStream pair = begin(key, GgufValueType.ARRAY);
    LittleEndian.writeInt(pair, type.number());
    LittleEndian.writeLong(pair, count);
    return pair;
  }

  private GgufWriter end(ByteArrayOutputStream pair) {
    pairs.add(pair.toByteArray());
    return this;
  }

  /** Counts the bytes that pass. */
  private static final class CountingStream extends FilterOutputStream {

    private long total;

    CountingStream(OutputStream out) {
      super(new BufferedOutputStream(out, BUFFER));
    }

    long count() {
      return total;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      total++;
    }

    @Override
    public void write(byte[] b, int offset, int length) throws IOException {
      out.write(b, offset, length);
      total += length;
    }
  }
}
