package io.ladon.engine.kernel.x86;

/**
 * The registers of a width, and what is done to 16 lanes of float32, which are one register of 512
 * bits or two of 256.
 *
 * @param bits 256 or 512
 */
record Lanes(Assembler a, int bits) {

  private static final int LANES = 16;
  private static final int SWAP_HALVES = PrepareCode.SWAP_HALVES;
  private static final int SWAP_NEIGHBOURS = PrepareCode.SWAP_NEIGHBOURS;

  /** What lanes are combined by: an instruction of three operands. */
  interface Combine {
    void emit(Vector to, Vector left, Operand right);
  }

  Vector register(int number) {
    return new Vector(number, bits);
  }

  /** Registers that there are of this width. */
  int count() {
    return bits == 512 ? 32 : 16;
  }

  /** Registers of 16 lanes. */
  int registers() {
    return LANES * 32 / bits;
  }

  /** Bytes of a register. */
  int bytes() {
    return bits / 8;
  }

  /** Lanes of a register. */
  int floats() {
    return bits / 32;
  }

  void zero(Vector to) {
    if (to.bits() == 512 || to.number() >= 16) {
      a.vpxord(to, to, to);
    } else {
      a.vpxor(to, to, to);
    }
  }

  void xor(Vector to, Vector left, Vector right) {
    if (bits == 512) {
      a.vpxord(to, left, right);
    } else {
      a.vpxor(to, left, right);
    }
  }

  void and(Vector to, Vector left, Operand right) {
    if (bits == 512) {
      a.vpandd(to, left, right);
    } else {
      a.vpand(to, left, right);
    }
  }

  /** The low 4 bytes of a general register to every lane. */
  void repeat(Vector to, Gp from) {
    Vector low = Vector.xmm(to.number());
    a.vmovd(low, from);
    a.vpbroadcastd(to, low);
  }

  /**
   * Combines 16 lanes in the tree (i, i + 8), (i, i + 4), (i, i + 2), (i, i + 1). The result is in
   * all lanes of the first register.
   *
   * @param first number of the first register of the lanes
   * @param scratch a register that may be overwritten
   */
  void reduce(Combine combine, int first, Vector scratch) {
    Vector x = register(first);
    if (bits == 512) {
      a.vshuff32x4(scratch, x, x, SWAP_HALVES);
      combine.emit(x, x, scratch);
      a.vshuff32x4(scratch, x, x, SWAP_NEIGHBOURS);
    } else {
      combine.emit(x, x, register(first + 1));
      a.vperm2i128(scratch, x, x, 1);
    }
    combine.emit(x, x, scratch);
    a.vpshufd(scratch, x, SWAP_HALVES);
    combine.emit(x, x, scratch);
    a.vpshufd(scratch, x, SWAP_NEIGHBOURS);
    combine.emit(x, x, scratch);
  }
}
