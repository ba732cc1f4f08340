package io.ladon.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Parses a GGUF header: magic, version, counts, key-value pairs, tensor infos (format: {@code
 * docs/gguf.md} of ggml). Everything is checked against the bytes at hand before it is believed.
 */
final class GgufParser {

  /** "GGUF" as a little-endian number. */
  static final int MAGIC = 0x46554747;

  static final String TOKENIZER_PREFIX = "tokenizer.";
  static final String ALIGNMENT_KEY = "general.alignment";
  static final int DEFAULT_ALIGNMENT = 32;

  /** Elements of one metadata array; the largest known vocabularies have a 64th of it. */
  private static final int MAX_ARRAY = 1 << 24;

  private static final int MAX_ARRAY_DEPTH = 8;
  private static final int MAX_DIMENSIONS = 4;
  private static final int MAX_ALIGNMENT = 1 << 20;

  /** Names of GGML's types that no tensor here may have, by number. */
  private static final Map<Integer, String> OTHER_TYPES =
      Map.ofEntries(
          Map.entry(4, "Q4_2"),
          Map.entry(5, "Q4_3"),
          Map.entry(9, "Q8_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(20, "IQ4_NL"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(23, "IQ4_XS"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(26, "I32"),
          Map.entry(27, "I64"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(31, "Q4_0_4_4"),
          Map.entry(32, "Q4_0_4_8"),
          Map.entry(33, "Q4_0_8_8"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(36, "IQ4_NL_4_4"),
          Map.entry(37, "IQ4_NL_4_8"),
          Map.entry(38, "IQ4_NL_8_8"),
          Map.entry(39, "MXFP4"),
          Map.entry(40, "NVFP4"),
          Map.entry(41, "Q1_0"),
          Map.entry(42, "Q2_0"));

  /**
   * One key-value pair.
   *
   * @param offset byte where the key starts
   * @param encoded the pair as in the file; null for the tokenizer's, which are not passed on
   */
  record Entry(Object value, long offset, byte @Nullable [] encoded) {}

  /**
   * One tensor.
   *
   * @param at byte where its description starts
   */
  record Described(TensorInfo info, long at) {}

  private final HeaderReader in;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, Described> tensors = new LinkedHashMap<>();

  private GgufParser(MemorySegment source) {
    this.in = new HeaderReader(source);
  }

  static GgufHeader parse(MemorySegment source) throws CheckpointException {
    return new GgufParser(source).parse();
  }

  private GgufHeader parse() throws CheckpointException {
    int version = readVersion();
    // A tensor's description takes at least a name's length, a dimension, a type and an offset.
    int tensorCount = in.readCount(8 + 4 + 8 + 4 + 8, "the number of tensors");
    int keyCount = in.readCount(8 + 4 + 1, "the number of metadata keys");
    for (int i = 0; i < keyCount; i++) {
      readEntry(i);
    }
    int alignment = alignment();
    long infosBegin = in.position();
    for (int i = 0; i < tensorCount; i++) {
      readTensor(i, alignment);
    }
    byte[] infos = in.copy(infosBegin, in.position());
    long dataOffset = align(in.position(), alignment);
    checkOverlaps(dataOffset);
    return new GgufHeader(version, alignment, entries, tensors, infos, dataOffset);
  }

  static long align(long offset, int alignment) {
    return (offset + alignment - 1) / alignment * alignment;
  }

  private int readVersion() throws CheckpointException {
    int magic = in.readInt("the magic number");
    if (magic != MAGIC) {
      throw new CheckpointException(
          "byte 0: not a GGUF file: it starts with %08x, not with \"GGUF\" (47475546)"
              .formatted(Integer.reverseBytes(magic)));
    }
    int version = in.readInt("the version");
    if (version != 0 && (version & 0xffff) == 0) {
      throw new CheckpointException(
          "byte 4: a big-endian GGUF file (version %d): only little-endian files are supported"
              .formatted(Integer.reverseBytes(version)));
    }
    if (version != 2 && version != 3) {
      throw new CheckpointException(
          "byte 4: GGUF version %d is not supported: only 2 and 3 are"
              .formatted(Integer.toUnsignedLong(version)));
    }
    return version;
  }

  private void readEntry(int index) throws CheckpointException {
    long begin = in.position();
    String key = in.readString("metadata key " + index);
    if (key.isEmpty()) {
      throw new CheckpointException("byte %d: metadata key %d is empty".formatted(begin, index));
    }
    String what = "key '" + key + "'";
    Object value = readValue(readValueType(what), what, 0);
    byte[] encoded = key.startsWith(TOKENIZER_PREFIX) ? null : in.copy(begin, in.position());
    if (entries.put(key, new Entry(value, begin, encoded)) != null) {
      throw new CheckpointException("byte %d: %s stands there twice".formatted(begin, what));
    }
  }

  private GgufValueType readValueType(String what) throws CheckpointException {
    long at = in.position();
    int number = in.readInt("the value type of " + what);
    GgufValueType type = GgufValueType.of(number);
    if (type == null) {
      throw new CheckpointException(
          "byte %d: %s has the unknown value type %d"
              .formatted(at, what, Integer.toUnsignedLong(number)));
    }
    return type;
  }

  private Object readValue(GgufValueType type, String what, int depth) throws CheckpointException {
    return switch (type) {
      case UINT8 -> (long) (in.readByte(what) & 0xff);
      case INT8 -> (long) in.readByte(what);
      case UINT16 -> (long) (in.readShort(what) & 0xffff);
      case INT16 -> (long) in.readShort(what);
      case UINT32 -> in.readInt(what) & 0xffffffffL;
      case INT32 -> (long) in.readInt(what);
      case UINT64 -> unsigned(in.readLong(what));
      case INT64 -> in.readLong(what);
      case FLOAT32 -> in.readFloat(what);
      case FLOAT64 -> in.readDouble(what);
      case BOOL -> readBool(what);
      case STRING -> in.readString(what);
      case ARRAY -> readArray(what, depth);
    };
  }

  private static Object unsigned(long value) {
    return value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value));
  }

  private boolean readBool(String what) throws CheckpointException {
    long at = in.position();
    int value = in.readByte(what);
    if (value != 0 && value != 1) {
      throw new CheckpointException(
          "byte %d: %s is the boolean %d, which is neither 0 nor 1".formatted(at, what, value));
    }
    return value == 1;
  }

  private Object readArray(String what, int depth) throws CheckpointException {
    long at = in.position();
    if (depth == MAX_ARRAY_DEPTH) {
      throw new CheckpointException(
          "byte %d: %s nests arrays deeper than %d".formatted(at, what, MAX_ARRAY_DEPTH));
    }
    GgufValueType type = readValueType("the elements of " + what);
    int count = in.readCount(type.minimumBytes(), "the number of elements of " + what);
    if (count > MAX_ARRAY) {
      throw new CheckpointException(
          "byte %d: %s has %d elements, more than %d".formatted(at, what, count, MAX_ARRAY));
    }
    return switch (type) {
      case UINT8, INT8, UINT16, INT16, INT32 -> readInts(type, count, what);
      case UINT32, INT64, UINT64 -> readLongs(type, count, what);
      case FLOAT32 -> readFloats(count, what);
      case FLOAT64 -> readDoubles(count, what);
      case BOOL -> readBools(count, what);
      case STRING -> readStrings(count, what);
      case ARRAY -> readArrays(count, what, depth);
    };
  }

  private int[] readInts(GgufValueType type, int count, String what) throws CheckpointException {
    int[] values = new int[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (type) {
            case UINT8 -> in.readByte(what) & 0xff;
            case INT8 -> in.readByte(what);
            case UINT16 -> in.readShort(what) & 0xffff;
            case INT16 -> in.readShort(what);
            default -> in.readInt(what);
          };
    }
    return values;
  }

  /** Unsigned numbers past 2^63 stay negative, and are refused where they are used. */
  private long[] readLongs(GgufValueType type, int count, String what) throws CheckpointException {
    boolean narrow = type == GgufValueType.UINT32;
    long[] values = new long[count];
    for (int i = 0; i < count; i++) {
      values[i] = narrow ? in.readInt(what) & 0xffffffffL : in.readLong(what);
    }
    return values;
  }

  private float[] readFloats(int count, String what) throws CheckpointException {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = in.readFloat(what);
    }
    return values;
  }

  private double[] readDoubles(int count, String what) throws CheckpointException {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = in.readDouble(what);
    }
    return values;
  }

  private boolean[] readBools(int count, String what) throws CheckpointException {
    boolean[] values = new boolean[count];
    for (int i = 0; i < count; i++) {
      values[i] = readBool(what);
    }
    return values;
  }

  private StringArray readStrings(int count, String what) throws CheckpointException {
    StringArray values = new StringArray(count);
    for (int i = 0; i < count; i++) {
      in.readInto(values, what);
    }
    return values;
  }

  private List<Object> readArrays(int count, String what, int depth) throws CheckpointException {
    List<Object> values = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      values.add(readArray(what, depth + 1));
    }
    return List.copyOf(values);
  }

  private int alignment() throws CheckpointException {
    Entry entry = entries.get(ALIGNMENT_KEY);
    if (entry == null) {
      return DEFAULT_ALIGNMENT;
    }
    if (!(entry.value() instanceof Long value)
        || value < 1
        || value > MAX_ALIGNMENT
        || Long.bitCount(value) != 1) {
      throw new CheckpointException(
          "byte %d: key '%s' is %s, not a power of two up to %d"
              .formatted(entry.offset(), ALIGNMENT_KEY, entry.value(), MAX_ALIGNMENT));
    }
    return value.intValue();
  }

  private void readTensor(int index, int alignment) throws CheckpointException {
    long at = in.position();
    String name = in.readString("the name of tensor " + index);
    String what = "tensor '" + name + "'";
    int dimensions = in.readInt("the number of dimensions of " + what);
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw new CheckpointException(
          "byte %d: %s has %d dimensions, not 1 to %d"
              .formatted(at, what, Integer.toUnsignedLong(dimensions), MAX_DIMENSIONS));
    }
    int[] shape = {1, 1};
    for (int d = 0; d < dimensions; d++) {
      long dimensionAt = in.position();
      long size = in.readLong("a dimension of " + what);
      if (size < 1 || size > (d < 2 ? Integer.MAX_VALUE : 1)) {
        throw new CheckpointException(
            "byte %d: dimension %d of %s is %s, not %s"
                .formatted(
                    dimensionAt,
                    d,
                    what,
                    Long.toUnsignedString(size),
                    d < 2 ? "1 to " + Integer.MAX_VALUE : "1"));
      }
      if (d < 2) {
        shape[d] = (int) size;
      }
    }
    TensorType type = readTensorType(what);
    if (shape[0] % type.blockElements() != 0) {
      throw new CheckpointException(
          "byte %d: %s has %d columns, no whole number of %s blocks of %d"
              .formatted(at, what, shape[0], type, type.blockElements()));
    }
    if (type.bytesFor(shape[0]) > Long.MAX_VALUE / 4 / shape[1]) {
      throw new CheckpointException(
          "byte %d: %s of %d x %d is larger than any file".formatted(at, what, shape[1], shape[0]));
    }
    long offsetAt = in.position();
    long offset = in.readLong("the offset of " + what);
    TensorInfo info = new TensorInfo(name, type, shape[1], shape[0], offset);
    if (offset < 0 || offset % alignment != 0 || offset > Long.MAX_VALUE / 2 - info.bytes()) {
      throw new CheckpointException(
          "byte %d: the offset of %s is %s, not a multiple of the alignment %d within a file"
              .formatted(offsetAt, what, Long.toUnsignedString(offset), alignment));
    }
    if (tensors.put(name, new Described(info, at)) != null) {
      throw new CheckpointException("byte %d: %s stands there twice".formatted(at, what));
    }
  }

  private TensorType readTensorType(String what) throws CheckpointException {
    long at = in.position();
    int number = in.readInt("the type of " + what);
    for (TensorType type : TensorType.values()) {
      if (type.ggmlId() == number) {
        return type;
      }
    }
    String name = OTHER_TYPES.get(number);
    throw new CheckpointException(
        "byte %d: %s has the tensor type %d%s, which is not supported"
            .formatted(
                at, what, Integer.toUnsignedLong(number), name == null ? "" : " (" + name + ")"));
  }

  private void checkOverlaps(long dataOffset) throws CheckpointException {
    List<TensorInfo> byOffset = new ArrayList<>();
    for (Described tensor : tensors.values()) {
      byOffset.add(tensor.info());
    }
    byOffset.sort((a, b) -> Long.compare(a.offset(), b.offset()));
    for (int i = 1; i < byOffset.size(); i++) {
      TensorInfo before = byOffset.get(i - 1);
      TensorInfo tensor = byOffset.get(i);
      if (tensor.offset() < before.offset() + before.bytes()) {
        throw new CheckpointException(
            "byte %d: tensor '%s' starts inside tensor '%s', which ends at byte %d"
                .formatted(
                    dataOffset + tensor.offset(),
                    tensor.name(),
                    before.name(),
                    dataOffset + before.offset() + before.bytes()));
      }
    }
  }

  /** A header of the same version with some pairs and tensor infos, as they were encoded. */
  static byte[] encode(int version, int tensorCount, List<byte[]> pairs, byte[] infos) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    LittleEndian.writeInt(out, MAGIC);
    LittleEndian.writeInt(out, version);
    LittleEndian.writeLong(out, tensorCount);
    LittleEndian.writeLong(out, pairs.size());
    pairs.forEach(out::writeBytes);
    out.writeBytes(infos);
    return out.toByteArray();
  }
}
