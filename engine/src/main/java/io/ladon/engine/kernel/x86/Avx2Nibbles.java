package io.ladon.engine.kernel.x86;

/**
 * Makes bytes of nibbles and of the bits above them, in AVX2: 8 rows x 4 columns in a register.
 * {@link Avx2Arithmetic#constants} fills the masks.
 *
 * @param other a register that is free meanwhile
 */
record Avx2Nibbles(Assembler a, Format format, Vector other) {

  static final Vector MASK = Vector.ymm(13);

  /** Of the bits above nibbles. */
  static final Vector BITS_MASK = Vector.ymm(15);

  /**
   * Columns {@code 4 group} and following of a block.
   *
   * @param nibbles of that group
   * @param bits the block's bits above nibbles, of a format that has such
   */
  void low(Vector to, Vector nibbles, Vector bits, int group) {
    a.vpand(to, nibbles, MASK);
    addBits(to, bits, group);
  }

  /** The same of columns {@code 16 + 4 group} and following; {@code to} may be the nibbles. */
  void high(Vector to, Vector nibbles, Vector bits, int group) {
    a.vpsrlw(to, nibbles, 4);
    a.vpand(to, to, MASK);
    addBits(to, bits, format.dots() == 2 ? group : 4 + group);
  }

  /** Where the bits are in their byte depends on the columns. */
  private void addBits(Vector to, Vector bits, int group) {
    if (format.highPlanes() == 0) {
      return;
    }
    int left = 4 - group * format.highPlanes();
    Vector moved = bits;
    if (left > 0) {
      a.vpsllw(other, bits, left);
      moved = other;
    } else if (left < 0) {
      a.vpsrlw(other, bits, -left);
      moved = other;
    }
    a.vpand(other, moved, BITS_MASK);
    a.vpor(to, to, other);
  }
}
