package io.ladon.engine.reference;

import io.ladon.engine.checkpoint.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One block of 32 quantised weights taken apart: whole numbers, scales and minimum, so that {@code
 * weight[i] = scale * quant[i] + minimum}. Block layouts: {@code ggml-common.h} of llama.cpp.
 */
final class ReferenceBlock {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Whole numbers. */
  final int[] quants = new int[32];

  /** Scale of each part of the block: one, or two of 16 columns. */
  final float[] scales = new float[2];

  /** Parts with a scale of their own. */
  int parts = 1;

  boolean hasMinimum;
  float minimum;

  /**
   * Reads block {@code index}, counted in 32 columns.
   *
   * @param offset of the row's first byte
   */
  void read(TensorType type, MemorySegment bytes, long offset, int index) {
    parts = type == TensorType.Q6_K ? 2 : 1;
    hasMinimum =
        switch (type) {
          case Q4_1, Q5_1, Q4_K, Q5_K -> true;
          default -> false;
        };
    int perBlock = type.blockElements() / 32;
    long at = offset + (long) (index / perBlock) * type.blockBytes();
    int part = index % perBlock;
    switch (type) {
      case Q4_0 -> readNibbles(bytes, at, at + 2, 8);
      case Q4_1 -> {
        readNibbles(bytes, at, at + 4, 0);
        minimum = half(bytes, at + 2);
      }
      case Q5_0 -> {
        readNibbles(bytes, at, at + 6, 16);
        addFifthBits(bytes.get(INT, at + 2));
      }
      case Q5_1 -> {
        readNibbles(bytes, at, at + 8, 0);
        addFifthBits(bytes.get(INT, at + 4));
        minimum = half(bytes, at + 2);
      }
      case Q8_0 -> {
        scales[0] = half(bytes, at);
        for (int i = 0; i < 32; i++) {
          quants[i] = bytes.get(ValueLayout.JAVA_BYTE, at + 2 + i);
        }
      }
      case Q4_K -> {
        readSixBitScales(bytes, at, part);
        readHalfBytes(bytes, at + 16, part);
      }
      case Q5_K -> {
        readSixBitScales(bytes, at, part);
        readHalfBytes(bytes, at + 48, part);
        for (int i = 0; i < 32; i++) {
          quants[i] += ((unsigned(bytes, at + 16 + i) >> part) & 1) * 16;
        }
      }
      case Q6_K -> readSixBits(bytes, at, part);
      default -> throw new IllegalArgumentException(type + " is not quantised");
    }
  }

  /** A scale, then 16 bytes whose low halves are the first 16 numbers. */
  private void readNibbles(MemorySegment bytes, long scaleAt, long at, int zero) {
    scales[0] = half(bytes, scaleAt);
    for (int i = 0; i < 16; i++) {
      int pair = unsigned(bytes, at + i);
      quants[i] = (pair & 15) - zero;
      quants[i + 16] = (pair >> 4) - zero;
    }
  }

  private void addFifthBits(int bits) {
    for (int i = 0; i < 32; i++) {
      quants[i] += ((bits >>> i) & 1) * 16;
    }
  }

  /** Two parts of 32 numbers share 32 bytes: the even one has the low halves. */
  private void readHalfBytes(MemorySegment bytes, long at, int part) {
    for (int i = 0; i < 32; i++) {
      quants[i] = (unsigned(bytes, at + 32L * (part / 2) + i) >> (part % 2 * 4)) & 15;
    }
  }

  /** Scale and minimum of one of eight parts, 6 bits each, in 12 bytes. */
  private void readSixBitScales(MemorySegment bytes, long at, int part) {
    long packed = at + 4;
    int scale;
    int min;
    if (part < 4) {
      scale = unsigned(bytes, packed + part) & 63;
      min = unsigned(bytes, packed + part + 4) & 63;
    } else {
      scale =
          (unsigned(bytes, packed + part + 4) & 15)
              + (unsigned(bytes, packed + part - 4) >> 6) * 16;
      min = (unsigned(bytes, packed + part + 4) >> 4) + (unsigned(bytes, packed + part) >> 6) * 16;
    }
    scales[0] = half(bytes, at) * scale;
    minimum = -(half(bytes, at + 2) * min);
  }

  /** 128 bytes of low 4 bits, 64 of high 2 bits, 16 signed scales, one scale of all. */
  private void readSixBits(MemorySegment bytes, long at, int part) {
    float scale = half(bytes, at + 208);
    scales[0] = scale * bytes.get(ValueLayout.JAVA_BYTE, at + 192 + 2L * part);
    scales[1] = scale * bytes.get(ValueLayout.JAVA_BYTE, at + 192 + 2L * part + 1);
    int half = part / 4;
    int quarter = part % 4;
    for (int i = 0; i < 32; i++) {
      int low =
          (unsigned(bytes, at + half * 64L + quarter % 2 * 32L + i) >> (quarter / 2 * 4)) & 15;
      int high = (unsigned(bytes, at + 128 + half * 32L + i) >> (quarter * 2)) & 3;
      quants[i] = low + 16 * high - 32;
    }
  }

  private static float half(MemorySegment bytes, long at) {
    return Float.float16ToFloat(bytes.get(SHORT, at));
  }

  private static int unsigned(MemorySegment bytes, long at) {
    return bytes.get(ValueLayout.JAVA_BYTE, at) & 255;
  }
}
