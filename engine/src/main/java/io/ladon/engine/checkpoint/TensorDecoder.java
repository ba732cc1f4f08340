package io.ladon.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Turns encoded elements into float32, exactly as each format defines them (block layouts: {@code
 * ggml-common.h} of llama.cpp). Plain and scalar: what every faster reader of weights is held
 * against.
 */
public final class TensorDecoder {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private TensorDecoder() {}

  /**
   * Decodes consecutive elements.
   *
   * @param bytes holds the encoded elements
   * @param byteOffset of the first block
   * @param elements a whole number of the type's blocks
   */
  public static void decode(
      TensorType type,
      MemorySegment bytes,
      long byteOffset,
      float[] out,
      int outOffset,
      int elements) {
    long end = byteOffset + type.bytesFor(elements);
    if (byteOffset < 0 || end > bytes.byteSize() || outOffset + elements > out.length) {
      throw new IndexOutOfBoundsException(
          "%d elements of %s: bytes %d to %d of %d, floats from %d of %d"
              .formatted(elements, type, byteOffset, end, bytes.byteSize(), outOffset, out.length));
    }
    long at = byteOffset;
    for (int o = outOffset; o < outOffset + elements; o += type.blockElements()) {
      switch (type) {
        case F32 -> out[o] = Float.intBitsToFloat(bytes.get(INT, at));
        case F16 -> out[o] = half(bytes, at);
        case BF16 -> out[o] = Float.intBitsToFloat(bytes.get(SHORT, at) << 16);
        case Q4_0 -> decodeQ40(bytes, at, out, o);
        case Q4_1 -> decodeQ41(bytes, at, out, o);
        case Q5_0 -> decodeQ50(bytes, at, out, o);
        case Q5_1 -> decodeQ51(bytes, at, out, o);
        case Q8_0 -> decodeQ80(bytes, at, out, o);
        case Q4_K -> decodeQ4K(bytes, at, out, o);
        case Q5_K -> decodeQ5K(bytes, at, out, o);
        case Q6_K -> decodeQ6K(bytes, at, out, o);
      }
      at += type.blockBytes();
    }
  }

  /** Scale (2 bytes), 16 bytes of two 4-bit numbers: the low halves first. */
  private static void decodeQ40(MemorySegment b, long at, float[] out, int o) {
    float scale = half(b, at);
    for (int i = 0; i < 16; i++) {
      int pair = unsigned(b, at + 2 + i);
      out[o + i] = scale * ((pair & 15) - 8);
      out[o + 16 + i] = scale * ((pair >> 4) - 8);
    }
  }

  /** Scale, minimum, 16 bytes of two 4-bit numbers. */
  private static void decodeQ41(MemorySegment b, long at, float[] out, int o) {
    float scale = half(b, at);
    float minimum = half(b, at + 2);
    for (int i = 0; i < 16; i++) {
      int pair = unsigned(b, at + 4 + i);
      out[o + i] = scale * (pair & 15) + minimum;
      out[o + 16 + i] = scale * (pair >> 4) + minimum;
    }
  }

  /** Scale, 32 fifth bits, 16 bytes of two 4-bit numbers. */
  private static void decodeQ50(MemorySegment b, long at, float[] out, int o) {
    float scale = half(b, at);
    int fifth = b.get(INT, at + 2);
    for (int i = 0; i < 16; i++) {
      int pair = unsigned(b, at + 6 + i);
      out[o + i] = scale * (((pair & 15) | (fifth >>> i & 1) << 4) - 16);
      out[o + 16 + i] = scale * (((pair >> 4) | (fifth >>> (16 + i) & 1) << 4) - 16);
    }
  }

  /** Scale, minimum, 32 fifth bits, 16 bytes of two 4-bit numbers. */
  private static void decodeQ51(MemorySegment b, long at, float[] out, int o) {
    float scale = half(b, at);
    float minimum = half(b, at + 2);
    int fifth = b.get(INT, at + 4);
    for (int i = 0; i < 16; i++) {
      int pair = unsigned(b, at + 8 + i);
      out[o + i] = scale * ((pair & 15) | (fifth >>> i & 1) << 4) + minimum;
      out[o + 16 + i] = scale * ((pair >> 4) | (fifth >>> (16 + i) & 1) << 4) + minimum;
    }
  }

  /** Scale, 32 signed bytes. */
  private static void decodeQ80(MemorySegment b, long at, float[] out, int o) {
    float scale = half(b, at);
    for (int i = 0; i < 32; i++) {
      out[o + i] = scale * b.get(ValueLayout.JAVA_BYTE, at + 2 + i);
    }
  }

  /**
   * Scale of scales, scale of minimums, 12 bytes of eight 6-bit scales and minimums, then 4 x 32
   * bytes: the low halves are one group of 32 columns, the high halves the next.
   */
  private static void decodeQ4K(MemorySegment b, long at, float[] out, int o) {
    float d = half(b, at);
    float dMinimum = half(b, at + 2);
    for (int group = 0; group < 8; group++) {
      float scale = d * scale6(b, at + 4, group);
      float minimum = dMinimum * minimum6(b, at + 4, group);
      for (int i = 0; i < 32; i++) {
        int pair = unsigned(b, at + 16 + group / 2 * 32L + i);
        out[o + group * 32 + i] = scale * nibble(pair, group) - minimum;
      }
    }
  }

  /** As Q4_K, with 32 bytes of fifth bits before the halves: bit g belongs to group g. */
  private static void decodeQ5K(MemorySegment b, long at, float[] out, int o) {
    float d = half(b, at);
    float dMinimum = half(b, at + 2);
    for (int group = 0; group < 8; group++) {
      float scale = d * scale6(b, at + 4, group);
      float minimum = dMinimum * minimum6(b, at + 4, group);
      for (int i = 0; i < 32; i++) {
        int fifth = unsigned(b, at + 16 + i) >> group & 1;
        int pair = unsigned(b, at + 48 + group / 2 * 32L + i);
        out[o + group * 32 + i] = scale * (nibble(pair, group) | fifth << 4) - minimum;
      }
    }
  }

  /**
   * 128 bytes of low halves, 64 bytes of high bit pairs, 16 signed scales of 16 columns each, scale
   * of scales. Each half block of 128 columns has 64 bytes of low halves and 32 of high bits; its
   * four groups of 32 columns are low halves of the first and second 32 bytes, then their high
   * halves.
   */
  private static void decodeQ6K(MemorySegment b, long at, float[] out, int o) {
    float d = half(b, at + 208);
    for (int column = 0; column < 256; column++) {
      int side = column / 128;
      int group = column % 128 / 32;
      int i = column % 32;
      int low = unsigned(b, at + side * 64L + group % 2 * 32L + i);
      int high = unsigned(b, at + 128 + side * 32L + i) >> (2 * group) & 3;
      int scale = b.get(ValueLayout.JAVA_BYTE, at + 192 + column / 16);
      out[o + column] = d * scale * ((nibble(low, group / 2) | high << 4) - 32);
    }
  }

  /** The low half of a byte for even groups, the high half for odd ones. */
  private static int nibble(int pair, int group) {
    return group % 2 == 0 ? pair & 15 : pair >> 4;
  }

  /** Scale of a group: bytes 0..3 for the first four; the others' are spread over two bytes. */
  private static int scale6(MemorySegment b, long at, int group) {
    return group < 4
        ? unsigned(b, at + group) & 63
        : (unsigned(b, at + group + 4) & 15) | unsigned(b, at + group - 4) >> 6 << 4;
  }

  /** Minimum of a group: bytes 4..7 for the first four; the others' are spread over two bytes. */
  private static int minimum6(MemorySegment b, long at, int group) {
    return group < 4
        ? unsigned(b, at + group + 4) & 63
        : unsigned(b, at + group + 4) >> 4 | unsigned(b, at + group) >> 6 << 4;
  }

  private static float half(MemorySegment b, long at) {
    return Float.float16ToFloat(b.get(SHORT, at));
  }

  private static int unsigned(MemorySegment b, long at) {
    return b.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }
}
