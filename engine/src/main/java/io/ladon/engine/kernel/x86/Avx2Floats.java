package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

/**
 * AVX2 with weights that are floats, in two halves of 8 rows: a column is widened to float32 as it
 * is read, into ymm8, and multiplied with one activation of each token; their sums are in ymm0-7
 * during a block.
 */
final class Avx2Floats extends Avx2Sums {

  private static final Vector WEIGHTS = ymm(8);

  Avx2Floats(Assembler assembler, Format format, int tokens) {
    super(assembler, format, tokens);
  }

  @Override
  public void beginTile() {
    // There is no header.
  }

  @Override
  public void addBlock() {
    for (int half = 0; half < 2; half++) {
      for (int t = 0; t < tokens; t++) {
        a.vmovups(ymm(t), sum(t, half));
      }
      for (int column = 0; column < Format.COLUMNS; column++) {
        int from = format.columnBytes() * column + format.columnBytes() / 2 * half;
        format.loadFloats(a, WEIGHTS, at(Registers.QUANTS, from));
        for (int t = 0; t < tokens; t++) {
          a.vbroadcastss(X, record(t, 4 * column));
          a.vfmadd231ps(ymm(t), WEIGHTS, X);
        }
      }
      for (int t = 0; t < tokens; t++) {
        a.vmovups(sum(t, half), ymm(t));
      }
    }
  }
}
