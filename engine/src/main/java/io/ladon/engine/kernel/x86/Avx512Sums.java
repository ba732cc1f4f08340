package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

/**
 * Sums of AVX-512: a register has 16 rows of a token. On the stack they are (token, panel, 16
 * rows). k1 has the rows to be written.
 */
abstract class Avx512Sums implements TileArithmetic {

  /** Tokens of a tile at most, unless it is to be a tall one. */
  static final int MAX_TOKENS = 8;

  static final int ROW_BYTES = 64;

  /** Free when results are written. */
  private static final Vector WRITTEN = zmm(0);

  private static final int ROWS = 1;

  final Assembler a;
  final int tokens;
  final int panels;

  Avx512Sums(Assembler assembler, int tokens, int panels) {
    this.a = assembler;
    this.tokens = tokens;
    this.panels = panels;
  }

  /** Fills the mask of the rows to be written. */
  static void rows(Assembler a) {
    a.mov(Gp.RAX, at(Registers.PARAMETERS, Parameters.ROW_BITS));
    a.kmovw(ROWS, Gp.RAX);
  }

  /** Where a token's sum is, behind as many registers that have its dots. */
  final Vector sum(int panel, int token) {
    return zmm(panels * (tokens + token) + panel);
  }

  private Memory onStack(int panel, int token) {
    return at(Registers.STACK, ROW_BYTES * (panels * token + panel));
  }

  @Override
  public final int panels() {
    return panels;
  }

  @Override
  public final int sumsBytes() {
    return ROW_BYTES * panels * tokens;
  }

  @Override
  public void clear() {
    each((p, t) -> a.vpxord(sum(p, t), sum(p, t), sum(p, t)));
  }

  @Override
  public void addStack() {
    each((p, t) -> a.vaddps(sum(p, t), sum(p, t), onStack(p, t)));
  }

  @Override
  public void push() {
    each((p, t) -> a.vmovups(onStack(p, t), sum(p, t)));
  }

  @Override
  public void write(int token, Gp result, boolean allRows) {
    for (int p = 0; p < panels; p++) {
      a.vmovups(WRITTEN, onStack(p, token));
      if (allRows) {
        a.vmovups(at(result, ROW_BYTES * p), WRITTEN);
      } else {
        a.vmovups(at(result, ROW_BYTES * p), ROWS, WRITTEN);
      }
    }
  }

  /** For a panel and a token. */
  interface Emitter {
    void emit(int panel, int token);
  }

  /** For each panel of each token. */
  final void each(Emitter emitter) {
    for (int t = 0; t < tokens; t++) {
      for (int p = 0; p < panels; p++) {
        emitter.emit(p, t);
      }
    }
  }
}
