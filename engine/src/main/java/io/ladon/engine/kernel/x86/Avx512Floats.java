package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

/**
 * AVX-512 with weights that are floats: a column of 16 rows is widened to float32 as it is read,
 * into zmm16, and multiplied with one activation of each token, broadcast as it is read.
 */
final class Avx512Floats extends Avx512Sums {

  private static final Vector WEIGHTS = zmm(16);

  private final Format format;

  Avx512Floats(Assembler assembler, Format format, int tokens) {
    super(assembler, tokens, 1);
    this.format = format;
  }

  @Override
  public void beginTile() {
    // There is no header.
  }

  @Override
  public void addBlock() {
    for (int column = 0; column < Format.COLUMNS; column++) {
      format.loadFloats(a, WEIGHTS, at(Registers.QUANTS, format.columnBytes() * column));
      for (int t = 0; t < tokens; t++) {
        int offset = Format.FLOAT_RECORD * t + 4 * column;
        a.vfmadd231ps(sum(0, t), WEIGHTS, new Memory(Registers.ACTIVATIONS, offset, true));
      }
    }
  }
}
