package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

/**
 * Sums of AVX-512: a register has 16 rows of a token, zmm8-15 those of up to 8 tokens. k1 has the
 * rows to be written.
 */
abstract class Avx512Sums implements TileArithmetic {

  /** Tokens of a tile at most: more would not fit the registers. */
  static final int MAX_TOKENS = 8;

  static final int ROW_BYTES = 64;

  private static final Vector WRITTEN = zmm(26);
  private static final int ROWS = 1;

  final Assembler a;
  final int tokens;

  Avx512Sums(Assembler assembler, int tokens) {
    this.a = assembler;
    this.tokens = tokens;
  }

  /** Fills the mask of the rows to be written. */
  static void rows(Assembler a) {
    a.mov(Gp.RAX, at(Registers.PARAMETERS, Parameters.ROW_BITS));
    a.kmovw(ROWS, Gp.RAX);
  }

  static Vector sum(int token) {
    return zmm(MAX_TOKENS + token);
  }

  @Override
  public int sumsBytes() {
    return ROW_BYTES * tokens;
  }

  @Override
  public void clear() {
    for (int t = 0; t < tokens; t++) {
      a.vpxord(sum(t), sum(t), sum(t));
    }
  }

  @Override
  public void addStack() {
    for (int t = 0; t < tokens; t++) {
      a.vaddps(sum(t), sum(t), at(Registers.STACK, ROW_BYTES * t));
    }
  }

  @Override
  public void push() {
    for (int t = 0; t < tokens; t++) {
      a.vmovups(at(Registers.STACK, ROW_BYTES * t), sum(t));
    }
  }

  @Override
  public void write(int token, Gp result, boolean allRows) {
    a.vmovups(WRITTEN, at(Registers.STACK, ROW_BYTES * token));
    if (allRows) {
      a.vmovups(at(result, 0), WRITTEN);
    } else {
      a.vmovups(at(result, 0), ROWS, WRITTEN);
    }
  }
}
