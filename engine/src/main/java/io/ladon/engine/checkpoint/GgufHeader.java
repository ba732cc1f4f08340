package io.ladon.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The header of a GGUF file, version 2 or 3: its metadata and the table of its tensors. Immutable;
 * needs neither the file nor the segment that it was parsed from.
 *
 * <p>A value is a Long (BigInteger past 2^63), Float, Double, Boolean or String; an array is an
 * int[] (elements of up to 32 bits), long[], float[], double[], boolean[], List of String, or List
 * of arrays.
 */
public final class GgufHeader {

  private final int version;
  private final int alignment;
  private final Map<String, GgufParser.Entry> entries;
  private final Map<String, GgufParser.Described> described;
  private final Map<String, TensorInfo> tensors;
  private final byte[] encodedInfos;
  private final long dataOffset;

  GgufHeader(
      int version,
      int alignment,
      Map<String, GgufParser.Entry> entries,
      Map<String, GgufParser.Described> described,
      byte[] encodedInfos,
      long dataOffset) {
    this.version = version;
    this.alignment = alignment;
    this.entries = entries;
    this.described = described;
    this.encodedInfos = encodedInfos;
    this.dataOffset = dataOffset;
    Map<String, TensorInfo> infos = new LinkedHashMap<>();
    described.forEach((name, tensor) -> infos.put(name, tensor.info()));
    this.tensors = Collections.unmodifiableMap(infos);
  }

  /**
   * Parses a header.
   *
   * @param prefixOrWholeFile the file, or enough of its start to hold the whole header
   * @throws CheckpointException naming the key or tensor and the byte, if the header is truncated,
   *     inconsistent or of an unsupported version
   */
  public static GgufHeader parse(MemorySegment prefixOrWholeFile) throws CheckpointException {
    return GgufParser.parse(prefixOrWholeFile);
  }

  /** The format's version: 2 or 3. */
  public int version() {
    return version;
  }

  /** Bytes that tensors are aligned to. */
  public int alignment() {
    return alignment;
  }

  /** Whether there is such a key. */
  public boolean has(String key) {
    return entries.containsKey(key);
  }

  /** The value of a key, null if there is none; for the classes see above. */
  public @Nullable Object get(String key) {
    GgufParser.Entry entry = entries.get(key);
    return entry == null ? null : entry.value();
  }

  /** All keys and their values, in the file's order. */
  public Map<String, Object> metadata() {
    Map<String, Object> values = new LinkedHashMap<>();
    entries.forEach((key, entry) -> values.put(key, entry.value()));
    return Collections.unmodifiableMap(values);
  }

  /**
   * A text.
   *
   * @throws CheckpointException if there is none or it is something else; so do all of these
   */
  public String string(String key) throws CheckpointException {
    if (need(key) instanceof String text) {
      return text;
    }
    throw wrongType(key, "a string");
  }

  /** A text, or a default where there is no such key. */
  public String string(String key, String otherwise) throws CheckpointException {
    return has(key) ? string(key) : otherwise;
  }

  /** A whole number below 2^63. */
  public long integer(String key) throws CheckpointException {
    if (need(key) instanceof Long number) {
      return number;
    }
    throw wrongType(key, "a whole number");
  }

  /** A whole number, or a default where there is no such key. */
  public long integer(String key, long otherwise) throws CheckpointException {
    return has(key) ? integer(key) : otherwise;
  }

  /** A number, whole or not. */
  public double number(String key) throws CheckpointException {
    if (need(key) instanceof Number number) {
      return number.doubleValue();
    }
    throw wrongType(key, "a number");
  }

  /** A number, or a default where there is no such key. */
  public double number(String key, double otherwise) throws CheckpointException {
    return has(key) ? number(key) : otherwise;
  }

  /** A truth value, or a default where there is no such key. */
  public boolean bool(String key, boolean otherwise) throws CheckpointException {
    if (!has(key)) {
      return otherwise;
    }
    if (need(key) instanceof Boolean value) {
      return value;
    }
    throw wrongType(key, "a boolean");
  }

  /** An array of texts; each is made when asked for, so keep those that are needed often. */
  public List<String> strings(String key) throws CheckpointException {
    Object value = need(key);
    if (value instanceof StringArray strings) {
      return Collections.unmodifiableList(strings);
    }
    throw wrongType(key, "an array of strings");
  }

  /** An array of float32 or float64 numbers, as float32. */
  public float[] floats(String key) throws CheckpointException {
    Object value = need(key);
    if (value instanceof float[] floats) {
      return floats.clone();
    }
    if (value instanceof double[] doubles) {
      float[] floats = new float[doubles.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) doubles[i];
      }
      return floats;
    }
    throw wrongType(key, "an array of floats");
  }

  /** An array of whole numbers that fit 32 bits. */
  public int[] ints(String key) throws CheckpointException {
    Object value = need(key);
    if (value instanceof int[] ints) {
      return ints.clone();
    }
    if (!(value instanceof long[] longs)) {
      throw wrongType(key, "an array of whole numbers");
    }
    int[] ints = new int[longs.length];
    for (int i = 0; i < ints.length; i++) {
      if (longs[i] != (int) longs[i]) {
        throw new CheckpointException(
            "%s: element %d is %d, more than 32 bits".formatted(where(key), i, longs[i]));
      }
      ints[i] = (int) longs[i];
    }
    return ints;
  }

  /** All tensors by name, in the file's order. */
  public Map<String, TensorInfo> tensors() {
    return tensors;
  }

  /**
   * A tensor.
   *
   * @throws CheckpointException if there is none of that name
   */
  public TensorInfo tensor(String name) throws CheckpointException {
    TensorInfo tensor = tensors.get(name);
    if (tensor == null) {
      throw new CheckpointException(
          "tensor '%s' is missing from the table of tensors, which ends at byte %d"
              .formatted(name, dataOffset));
    }
    return tensor;
  }

  /** Bytes from the start of the file to the data section. */
  public long dataOffset() {
    return dataOffset;
  }

  /** Bytes of the data section, up to the end of the last tensor. */
  public long dataLength() {
    long length = 0;
    for (TensorInfo tensor : tensors.values()) {
      length = Math.max(length, tensor.offset() + tensor.bytes());
    }
    return length;
  }

  /** For messages: the key or tensor of that name, and the byte of the header where it stands. */
  public String where(String keyOrTensor) {
    GgufParser.Entry entry = entries.get(keyOrTensor);
    if (entry != null) {
      return "byte %d: key '%s'".formatted(entry.offset(), keyOrTensor);
    }
    GgufParser.Described tensor = described.get(keyOrTensor);
    if (tensor != null) {
      return "byte %d: tensor '%s'".formatted(tensor.at(), keyOrTensor);
    }
    return "'" + keyOrTensor + "'";
  }

  /**
   * A header that holds all of this one but the tokenizer's metadata: what a rank needs to know of
   * the checkpoint. Parsed, it gives the same tensors and the same model.
   */
  public byte[] encodeWithoutTokenizer() {
    List<byte[]> pairs = new ArrayList<>();
    for (GgufParser.Entry entry : entries.values()) {
      byte[] encoded = entry.encoded();
      if (encoded != null) {
        pairs.add(encoded);
      }
    }
    return GgufParser.encode(version, tensors.size(), pairs, encodedInfos);
  }

  /**
   * SHA-256 in hex over {@link #encodeWithoutTokenizer} and {@link #dataLength}: tells checkpoints
   * apart by what their headers say. It does not cover the weights themselves.
   */
  public String fingerprint() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(encodeWithoutTokenizer());
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      digest.update(length.putLong(dataLength()).flip());
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private Object need(String key) throws CheckpointException {
    Object value = get(key);
    if (value == null) {
      throw new CheckpointException(
          "key '%s' is missing from the metadata, which ends before byte %d"
              .formatted(key, dataOffset));
    }
    return value;
  }

  private CheckpointException wrongType(String key, String wanted) throws CheckpointException {
    return new CheckpointException(
        "%s is %s, not %s".formatted(where(key), describe(need(key)), wanted));
  }

  private static String describe(Object value) {
    return switch (value) {
      case String text -> "a string";
      case Boolean truth -> "a boolean";
      case Long number -> "a whole number";
      case BigInteger number -> "a whole number past 2^63";
      case Number number -> "a float";
      default -> "an array";
    };
  }
}
