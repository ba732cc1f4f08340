package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

/**
 * AVX2 with weights of 4 to 6 bits that {@link Avx2UnpackCode} has made bytes: the arithmetic of
 * {@link Avx2Pairs}, with both halves of the rows sharing each activation. No register is wanted
 * for what unpacking takes, so there are as many tokens as two registers each leave room for.
 *
 * <p>Registers: two dots of each token; ymm12, 13 weights of either half, afterwards ymm12 ones of
 * 16 bits; ymm14 activations; ymm15 products.
 */
final class Avx2Unpacked extends Avx2Sums {

  /** Tokens of a tile at most: more would not fit the registers. */
  static final int MOST_TOKENS = 6;

  private static final Vector[] WEIGHTS = {ymm(12), ymm(13)};
  private static final Vector ONES = ymm(12);
  private static final Vector ACTIVATIONS = ymm(14);
  private static final Vector PRODUCT = ymm(15);

  /** Where a half's products go: the last takes the place of the activations. */
  private static final Vector[] PRODUCTS = {PRODUCT, ACTIVATIONS};

  private final Avx2Scales scales;

  Avx2Unpacked(Assembler assembler, Format format, int tokens) {
    super(assembler, format, tokens);
    this.scales = new Avx2Scales(assembler, format, PRODUCT);
  }

  @Override
  public boolean unpacked() {
    return true;
  }

  @Override
  public void beginTile() {
    // What the header says is in each unpacked block.
  }

  @Override
  public void addBlock() {
    int groups = 8 / format.dots();
    for (int dot = 0; dot < format.dots(); dot++) {
      for (int group = groups * dot; group < groups * (dot + 1); group++) {
        multiply(group, group == groups * dot);
      }
      a.vpbroadcastd(ONES, at(Registers.PARAMETERS, Parameters.ONES));
      for (int token = 0; token < tokens; token++) {
        finishDots(token, dot);
        scale(token, dot);
      }
    }
  }

  private static Vector dot(int token, int half) {
    return ymm(2 * token + half);
  }

  /** Some rows of a line of 64 bytes of the block. */
  private static Memory line(int offset, int half) {
    return at(Registers.QUANTS, offset + HALF * half);
  }

  /** Adds four columns to the dots of all tokens, or starts the dots with them. */
  private void multiply(int group, boolean first) {
    for (int half = 0; half < 2; half++) {
      a.vmovdqu(WEIGHTS[half], line(format.unpackedQuants() + ROW_BYTES * group, half));
    }
    for (int t = 0; t < tokens; t++) {
      a.vpbroadcastd(ACTIVATIONS, record(t, Parameters.RECORD_QUANTS + 4 * group));
      for (int half = 0; half < 2; half++) {
        Vector to = first ? dot(t, half) : PRODUCTS[half];
        a.vpmaddubsw(to, WEIGHTS[half], ACTIVATIONS);
      }
      for (int half = 0; half < 2 && !first; half++) {
        a.vpaddw(dot(t, half), dot(t, half), PRODUCTS[half]);
      }
    }
  }

  /** Makes dots float32. */
  private void finishDots(int token, int index) {
    finishPairs(new Vector[] {dot(token, 0), dot(token, 1)}, token, index, ONES, ACTIVATIONS);
    for (int half = 0; half < 2; half++) {
      a.vcvtdq2ps(dot(token, half), dot(token, half));
    }
  }

  /** Adds dots, scaled, to the sums. */
  private void scale(int token, int dot) {
    a.vbroadcastss(ACTIVATIONS, record(token, Parameters.SCALE));
    for (int half = 0; half < 2; half++) {
      a.vmulps(PRODUCTS[half], ACTIVATIONS, line(ROW_BYTES * dot, half));
      a.vfmadd213ps(dot(token, half), PRODUCTS[half], sum(token, half));
    }
    if (format.hasMinimum()) {
      a.vbroadcastss(ACTIVATIONS, record(token, Parameters.SECOND));
      for (int half = 0; half < 2; half++) {
        scales.addMinimum(dot(token, half), ACTIVATIONS, line(ROW_BYTES * format.dots(), half));
      }
    }
    for (int half = 0; half < 2; half++) {
      a.vmovups(sum(token, half), dot(token, half));
    }
  }
}
