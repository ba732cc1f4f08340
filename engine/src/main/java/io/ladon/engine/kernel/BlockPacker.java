package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Moves one row's part of a tile from the checkpoint's blocks (see {@code ggml-common.h} and {@code
 * ggml-quants.c} of llama.cpp) to the packed layout.
 */
final class BlockPacker {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Columns of a super-block. */
  private static final int SUPER_BLOCK = 256;

  private static final int LOW_NIBBLES = 0x0F0F0F0F;

  private final TensorType type;
  private final MemorySegment from;
  private final MemorySegment to;

  BlockPacker(TensorType type, MemorySegment from, MemorySegment to) {
    this.type = type;
    this.from = from;
    this.to = to;
  }

  /**
   * Packs some blocks of a row that make one tile.
   *
   * @param rowOffset bytes to the row's first block in the checkpoint's bytes
   * @param column of the tile's first block, in the checkpoint's row
   * @param header bytes to the tile
   * @param quants bytes to the tile's quants
   * @param row within the panel
   */
  void pack(long rowOffset, int column, int blocks, long header, long quants, int row) {
    for (int b = 0; b < blocks; b++) {
      int c = column + b * PackedLayout.BLOCK;
      long source = rowOffset + (long) (c / type.blockElements()) * type.blockBytes();
      long target = quants + (long) b * PackedLayout.blockBytes(type);
      int part = c % SUPER_BLOCK / PackedLayout.BLOCK;
      switch (type) {
        case F32 -> packFloat32(source, target, row);
        case F16, BF16 -> packFloat16(source, target, row);
        case Q4_0 -> {
          copyShort(source, header + 32L * b + 2L * row);
          copyInts(source + 2, target + 4L * row, 4);
        }
        case Q4_1 -> {
          copyShort(source, header + 64L * b + 2L * row);
          copyShort(source + 2, header + 64L * b + 32 + 2L * row);
          copyInts(source + 4, target + 4L * row, 4);
        }
        case Q5_0 -> {
          copyShort(source, header + 32L * b + 2L * row);
          to.set(INT, target + 4L * row, fifthBits(from.get(INT, source + 2)));
          copyInts(source + 6, target + 64 + 4L * row, 4);
        }
        case Q5_1 -> {
          copyShort(source, header + 64L * b + 2L * row);
          copyShort(source + 2, header + 64L * b + 32 + 2L * row);
          to.set(INT, target + 4L * row, fifthBits(from.get(INT, source + 4)));
          copyInts(source + 8, target + 64 + 4L * row, 4);
        }
        case Q8_0 -> {
          copyShort(source, header + 32L * b + 2L * row);
          copyInts(source + 2, target + 4L * row, 8);
        }
        case Q4_K -> {
          packScales(source, part, header, b, row);
          packNibbles(source + 16, part, target + 4L * row);
        }
        case Q5_K -> {
          packScales(source, part, header, b, row);
          packFifthBits(source + 16, part, target + 4L * row);
          packNibbles(source + 48, part, target + 64 + 4L * row);
        }
        case Q6_K -> packQ6(source, part, header, b, target, row);
      }
    }
  }

  private void packFloat32(long source, long target, int row) {
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      to.set(INT, target + 4L * (PackedLayout.ROWS * c + row), from.get(INT, source + 4L * c));
    }
  }

  private void packFloat16(long source, long target, int row) {
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      to.set(SHORT, target + 2L * (PackedLayout.ROWS * c + row), from.get(SHORT, source + 2L * c));
    }
  }

  private void copyShort(long source, long target) {
    to.set(SHORT, target, from.get(SHORT, source));
  }

  /** Consecutive groups of four bytes, 64 bytes apart in the target. */
  private void copyInts(long source, long target, int count) {
    for (int g = 0; g < count; g++) {
      to.set(INT, target + 64L * g, from.get(INT, source + 4L * g));
    }
  }

  /** Bit {@code 4 g + j} to bit {@code 8 j + g}. */
  private static int fifthBits(int bits) {
    int result = 0;
    for (int column = 0; column < PackedLayout.BLOCK; column++) {
      result |= (bits >>> column & 1) << (8 * (column % 4) + column / 4);
    }
    return result;
  }

  /** d, dmin, and the 6-bit scale and minimum of one part of a Q4_K or Q5_K super-block. */
  private void packScales(long source, int part, long header, int block, int row) {
    copyShort(source, header + 2L * row);
    copyShort(source + 2, header + 32 + 2L * row);
    int scale;
    int minimum;
    if (part < 4) {
      scale = packedScale(source, part) & 63;
      minimum = packedScale(source, part + 4) & 63;
    } else {
      scale = (packedScale(source, part + 4) & 15) | (packedScale(source, part - 4) >> 6 << 4);
      minimum = (packedScale(source, part + 4) >> 4) | (packedScale(source, part) >> 6 << 4);
    }
    long target = header + 64 + 32L * block + row;
    to.set(ValueLayout.JAVA_BYTE, target, (byte) scale);
    to.set(ValueLayout.JAVA_BYTE, target + 16, (byte) minimum);
  }

  private int packedScale(long source, int index) {
    return Byte.toUnsignedInt(from.get(ValueLayout.JAVA_BYTE, source + 4 + index));
  }

  /** A part is the low or the high nibbles of 32 bytes. */
  private void packNibbles(long quants, int part, long target) {
    long source = quants + 32L * (part / 2);
    int shift = part % 2 * 4;
    for (int g = 0; g < 4; g++) {
      int low = from.get(INT, source + 4L * g) >>> shift & LOW_NIBBLES;
      int high = from.get(INT, source + 16 + 4L * g) >>> shift & LOW_NIBBLES;
      to.set(INT, target + 64L * g, low | high << 4);
    }
  }

  /** A part's fifth bits are one bit of each of 32 bytes. */
  private void packFifthBits(long source, int part, long target) {
    int bits = 0;
    for (int g = 0; g < 8; g++) {
      bits |= (from.get(INT, source + 4L * g) >>> part & 0x01010101) << g;
    }
    to.set(INT, target, bits);
  }

  private void packQ6(long source, int part, long header, int block, long target, int row) {
    copyShort(source + 208, header + 2L * row);
    long scales = header + 32 + 32L * block + row;
    to.set(
        ValueLayout.JAVA_BYTE, scales, from.get(ValueLayout.JAVA_BYTE, source + 192 + 2L * part));
    to.set(
        ValueLayout.JAVA_BYTE,
        scales + 16,
        from.get(ValueLayout.JAVA_BYTE, source + 193 + 2L * part));
    // Each half of a super-block has 64 bytes of nibbles and 32 bytes of high bits: parts 0 and 2
    // share one half of those bytes, 1 and 3 the other.
    int half = part / 4;
    int quarter = part % 4;
    long low = source + 64L * half + 32L * (quarter % 2);
    int lowShift = quarter / 2 * 4;
    long high = source + 128 + 32L * half;
    int highShift = 2 * quarter;
    for (int plane = 0; plane < 2; plane++) {
      int bits = 0;
      for (int g = 0; g < 4; g++) {
        int pairs = from.get(INT, high + 16L * plane + 4L * g) >>> highShift & 0x03030303;
        bits |= pairs << (2 * g);
      }
      to.set(INT, target + 64L * plane + 4L * row, bits);
    }
    for (int g = 0; g < 4; g++) {
      int first = from.get(INT, low + 4L * g) >>> lowShift & LOW_NIBBLES;
      int second = from.get(INT, low + 16 + 4L * g) >>> lowShift & LOW_NIBBLES;
      to.set(INT, target + 128 + 64L * g + 4L * row, first | second << 4);
    }
  }
}
