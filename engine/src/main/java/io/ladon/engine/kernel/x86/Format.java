package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;

/**
 * The packed layout of a type, as the code walks it: see {@code PackedLayout} for the meaning of
 * each byte.
 *
 * @param quantBytes of a block of 16 rows x 32 columns, whose weights may be floats
 * @param tileHeader bytes at the start of a tile's header: scales of the super-block
 * @param blockHeader bytes in the header for each block
 * @param zeroPoint what the code's unsigned quants have too much
 * @param dots integer products of a block, each with a weight scale of its own
 * @param hasMinimum whether a block adds a minimum times the activations' sum
 */
record Format(
    TensorType type,
    int quantBytes,
    int tileHeader,
    int blockHeader,
    int zeroPoint,
    int dots,
    boolean hasMinimum) {

  /** Rows and columns of a block. */
  static final int ROWS = 16;

  static final int COLUMNS = 32;

  /** Bytes that a block of a token's activations takes if they are float32. */
  static final int FLOAT_RECORD = 4 * COLUMNS;

  /** Bytes of a super-block's header beside the parts of its blocks, with padding. */
  static final int SUPER_HEADER = 64;

  private static final int BLOCKS_OF_SUPER = 8;

  /** Bytes of nibbles in a block of a format of 4 to 6 bits. */
  private static final int NIBBLES = 256;

  static Format of(TensorType type) {
    return switch (type) {
      case Q4_0 -> new Format(type, 256, 0, 32, 8, 1, false);
      case Q4_1 -> new Format(type, 256, 0, 64, 0, 1, true);
      case Q5_0 -> new Format(type, 64 + 256, 0, 32, 16, 1, false);
      case Q5_1 -> new Format(type, 64 + 256, 0, 64, 0, 1, true);
      case Q4_K -> new Format(type, 256, 64, 32, 0, 1, true);
      case Q5_K -> new Format(type, 64 + 256, 64, 32, 0, 1, true);
      case Q6_K -> new Format(type, 2 * 64 + 256, 32, 32, 32, 2, false);
      case Q8_0 -> new Format(type, 512, 0, 32, 128, 1, false); // its sign bit flipped
      case F16, BF16 -> new Format(type, 2 * ROWS * COLUMNS, 0, 0, 0, 1, false);
      case F32 -> new Format(type, 4 * ROWS * COLUMNS, 0, 0, 0, 1, false);
    };
  }

  boolean isFloat() {
    return type.isFloat();
  }

  /** Bytes of an activation: weights that are floats are multiplied with float32. */
  int valueBytes() {
    return isFloat() ? Float.BYTES : Byte.BYTES;
  }

  /** Bytes that a block of a token's activations takes when prepared; of AMX they are its own. */
  int recordBytes() {
    return isFloat() ? FLOAT_RECORD : Parameters.RECORD_QUANTS + COLUMNS;
  }

  /** Bytes of a column of 16 rows, of a format of floats. */
  int columnBytes() {
    return quantBytes / COLUMNS;
  }

  /** Reads as many weights that are floats as the register has lanes; as float32, exactly. */
  void loadFloats(Assembler a, Vector to, Memory from) {
    switch (type) {
      case F32 -> a.vmovups(to, from);
      case F16 -> a.vcvtph2ps(to, from);
      case BF16 -> {
        a.vpmovzxwd(to, from);
        a.vpslld(to, to, 16); // bfloat16 is the upper half of a float32
      }
      default -> throw new IllegalStateException(type + " is quantised");
    }
  }

  /**
   * Bytes of a block that {@link Avx2UnpackCode} unpacked: for each dot 16 scales as float32, the
   * same of the minimum if there is one, and 512 quants of 8 bits.
   */
  int unpackedBytes() {
    return unpackedQuants() + ROWS * COLUMNS;
  }

  /** Bytes from the begin of an unpacked block to its quants. */
  int unpackedQuants() {
    return 4 * ROWS * (dots + (hasMinimum ? 1 : 0));
  }

  /** Bytes that each of two tiles of tokens has to fetch with a block, if they share a panel's. */
  int sharedBytes() {
    int superHeader = isSuperBlock() ? SUPER_HEADER / BLOCKS_OF_SUPER : 0;
    return (quantBytes + blockHeader + superHeader) / 2 + 1;
  }

  boolean hasNibbles() {
    return !isFloat() && type != TensorType.Q8_0;
  }

  /** Planes of 64 bytes of the bits above the nibbles, which they stand before. */
  int highPlanes() {
    return hasNibbles() ? (quantBytes - NIBBLES) / 64 : 0;
  }

  /**
   * What code keeps in a register for each byte: the bits above the nibbles, or, if weights are
   * bytes, their sign; 0 if it needs none.
   */
  int bitsMask() {
    return switch (type) {
      case Q5_0, Q5_1, Q5_K -> 0x10101010;
      case Q6_K -> 0x30303030;
      case Q8_0 -> 0x80808080;
      default -> 0;
    };
  }

  /**
   * What AVX2 subtracts from the quants so that its sums fit 16 bits: the zero point, and 16 in
   * formats of 5 bits that have none.
   */
  int centre() {
    return switch (type) {
      case Q5_1, Q5_K -> 16;
      case Q8_0 -> 0;
      default -> zeroPoint;
    };
  }

  /** Whether {@link #centre} is subtracted though the format's quants have no zero point. */
  boolean hasOffset() {
    return centre() != 0 && zeroPoint == 0;
  }

  boolean isSuperBlock() {
    return tileHeader > 0;
  }
}
