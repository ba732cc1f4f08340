package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;

/**
 * Moves one row's part of a tile from the checkpoint's blocks (see {@code ggml-common.h} and {@code
 * ggml-quants.c} of llama.cpp) to the packed layout. On arrays: a worker packs while it starts, in
 * code of the quick compiler, to which each access of a memory segment is a chain of calls.
 */
final class BlockPacker {

  /** Columns of a super-block. */
  private static final int SUPER_BLOCK = 256;

  private static final int LOW_NIBBLES = 0x0F0F0F0F;

  private final TensorType type;
  private final byte[] from;
  private final byte[] to;

  /**
   * @param from a row as the checkpoint has it
   * @param to a panel
   */
  BlockPacker(TensorType type, byte[] from, byte[] to) {
    this.type = type;
    this.from = from;
    this.to = to;
  }

  /**
   * Packs some blocks of a row that make one tile.
   *
   * @param column of the tile's first block, in the checkpoint's row
   * @param header bytes to the tile
   * @param quants bytes to the tile's quants
   * @param row within the panel
   */
  void pack(int column, int blocks, int header, int quants, int row) {
    for (int b = 0; b < blocks; b++) {
      int c = column + b * PackedLayout.BLOCK;
      int source = c / type.blockElements() * type.blockBytes();
      int target = quants + b * PackedLayout.blockBytes(type);
      int part = c % SUPER_BLOCK / PackedLayout.BLOCK;
      switch (type) {
        case F32 -> packFloat32(source, target, row);
        case F16, BF16 -> packFloat16(source, target, row);
        case Q4_0 -> {
          copyShort(source, header + 32 * b + 2 * row);
          copyInts(source + 2, target + 4 * row, 4);
        }
        case Q4_1 -> {
          copyShort(source, header + 64 * b + 2 * row);
          copyShort(source + 2, header + 64 * b + 32 + 2 * row);
          copyInts(source + 4, target + 4 * row, 4);
        }
        case Q5_0 -> {
          copyShort(source, header + 32 * b + 2 * row);
          putInt(target + 4 * row, fifthBits(getInt(source + 2)));
          copyInts(source + 6, target + 64 + 4 * row, 4);
        }
        case Q5_1 -> {
          copyShort(source, header + 64 * b + 2 * row);
          copyShort(source + 2, header + 64 * b + 32 + 2 * row);
          putInt(target + 4 * row, fifthBits(getInt(source + 4)));
          copyInts(source + 8, target + 64 + 4 * row, 4);
        }
        case Q8_0 -> {
          copyShort(source, header + 32 * b + 2 * row);
          copyInts(source + 2, target + 4 * row, 8);
        }
        case Q4_K -> {
          packScales(source, part, header, b, row);
          packNibbles(source + 16, part, target + 4 * row);
        }
        case Q5_K -> {
          packScales(source, part, header, b, row);
          packFifthBits(source + 16, part, target + 4 * row);
          packNibbles(source + 48, part, target + 64 + 4 * row);
        }
        case Q6_K -> packQ6(source, part, header, b, target, row);
      }
    }
  }

  private void packFloat32(int source, int target, int row) {
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      copyInt(source + 4 * c, target + 4 * (PackedLayout.ROWS * c + row));
    }
  }

  private void packFloat16(int source, int target, int row) {
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      copyShort(source + 2 * c, target + 2 * (PackedLayout.ROWS * c + row));
    }
  }

  private void copyShort(int source, int target) {
    to[target] = from[source];
    to[target + 1] = from[source + 1];
  }

  /** Consecutive groups of four bytes, 64 bytes apart in the target. */
  private void copyInts(int source, int target, int count) {
    for (int g = 0; g < count; g++) {
      copyInt(source + 4 * g, target + 64 * g);
    }
  }

  private void copyInt(int source, int target) {
    to[target] = from[source];
    to[target + 1] = from[source + 1];
    to[target + 2] = from[source + 2];
    to[target + 3] = from[source + 3];
  }

  private int getInt(int source) {
    return (from[source] & 255)
        | (from[source + 1] & 255) << 8
        | (from[source + 2] & 255) << 16
        | from[source + 3] << 24;
  }

  private void putInt(int target, int value) {
    to[target] = (byte) value;
    to[target + 1] = (byte) (value >> 8);
    to[target + 2] = (byte) (value >> 16);
    to[target + 3] = (byte) (value >> 24);
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
  private void packScales(int source, int part, int header, int block, int row) {
    copyShort(source, header + 2 * row);
    copyShort(source + 2, header + 32 + 2 * row);
    int scale;
    int minimum;
    if (part < 4) {
      scale = packedScale(source, part) & 63;
      minimum = packedScale(source, part + 4) & 63;
    } else {
      scale = (packedScale(source, part + 4) & 15) | (packedScale(source, part - 4) >> 6 << 4);
      minimum = (packedScale(source, part + 4) >> 4) | (packedScale(source, part) >> 6 << 4);
    }
    int target = header + 64 + 32 * block + row;
    to[target] = (byte) scale;
    to[target + 16] = (byte) minimum;
  }

  private int packedScale(int source, int index) {
    return from[source + 4 + index] & 255;
  }

  /** A part is the low or the high nibbles of 32 bytes. */
  private void packNibbles(int quants, int part, int target) {
    int source = quants + 32 * (part / 2);
    int shift = part % 2 * 4;
    for (int g = 0; g < 4; g++) {
      int low = getInt(source + 4 * g) >>> shift & LOW_NIBBLES;
      int high = getInt(source + 16 + 4 * g) >>> shift & LOW_NIBBLES;
      putInt(target + 64 * g, low | high << 4);
    }
  }

  /** A part's fifth bits are one bit of each of 32 bytes. */
  private void packFifthBits(int source, int part, int target) {
    int bits = 0;
    for (int g = 0; g < 8; g++) {
      bits |= (getInt(source + 4 * g) >>> part & 0x01010101) << g;
    }
    putInt(target, bits);
  }

  private void packQ6(int source, int part, int header, int block, int target, int row) {
    copyShort(source + 208, header + 2 * row);
    int scales = header + 32 + 32 * block + row;
    to[scales] = from[source + 192 + 2 * part];
    to[scales + 16] = from[source + 193 + 2 * part];
    // Each half of a super-block has 64 bytes of nibbles and 32 bytes of high bits: parts 0 and 2
    // share one half of those bytes, 1 and 3 the other.
    int half = part / 4;
    int quarter = part % 4;
    int low = source + 64 * half + 32 * (quarter % 2);
    int lowShift = quarter / 2 * 4;
    int high = source + 128 + 32 * half;
    int highShift = 2 * quarter;
    for (int plane = 0; plane < 2; plane++) {
      int bits = 0;
      for (int g = 0; g < 4; g++) {
        int pairs = getInt(high + 16 * plane + 4 * g) >>> highShift & 0x03030303;
        bits |= pairs << (2 * g);
      }
      putInt(target + 64 * plane + 4 * row, bits);
    }
    for (int g = 0; g < 4; g++) {
      int first = getInt(low + 4 * g) >>> lowShift & LOW_NIBBLES;
      int second = getInt(low + 16 + 4 * g) >>> lowShift & LOW_NIBBLES;
      putInt(target + 128 + 64 * g + 4 * row, first | second << 4);
    }
  }
}
