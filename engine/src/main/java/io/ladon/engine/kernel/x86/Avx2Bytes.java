package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

/**
 * AVX2 with weights of 8 bits, whose products with activations do not fit 16 bits: both become 16
 * bits wide, even and odd columns apart, and {@code vpmaddwd} adds two products to a 32-bit number.
 * Both halves of the rows share each activation that is read, as many reads as products would be
 * too many.
 *
 * <table>
 *   <caption>Registers; two are those of the halves</caption>
 *   <tr><td>ymm0-9</td><td>integer dots, (token, half)</td></tr>
 *   <tr><td>ymm10, 11</td><td>weights of even columns; then the scale</td></tr>
 *   <tr><td>ymm12</td><td>activations, and the second half's products</td></tr>
 *   <tr><td>ymm13</td><td>the first half's products; product of the scales</td></tr>
 *   <tr><td>ymm14, 15</td><td>weights of odd columns</td></tr>
 * </table>
 */
final class Avx2Bytes extends Avx2Sums {

  /** Tokens of a tile at most: more would not fit the registers. */
  static final int MOST_TOKENS = 5;

  private static final Vector[] EVEN = {ymm(10), ymm(11)};
  private static final Vector[] ODD = {ymm(14), ymm(15)};
  private static final Vector PRODUCT = ymm(13);

  private final Format format;

  Avx2Bytes(Assembler assembler, Format format, int tokens) {
    super(assembler, tokens);
    this.format = format;
  }

  private static Vector dot(int token, int half) {
    return ymm(2 * token + half);
  }

  private Memory record(int token, int offset) {
    return at(Registers.ACTIVATIONS, Tier.AVX2.recordBytes(format) * token + offset);
  }

  @Override
  public void beginTile() {
    // The header has only scales of blocks.
  }

  @Override
  public void addBlock() {
    for (int i = 0; i < 2 * tokens; i++) {
      a.vpxor(ymm(i), ymm(i), ymm(i));
    }
    for (int column = 0; column < Format.COLUMNS; column += 4) {
      for (int half = 0; half < 2; half++) {
        a.vmovdqu(ODD[half], at(Registers.QUANTS, Format.ROWS * column + HALF * half));
        a.vpsllw(EVEN[half], ODD[half], 8);
        a.vpsraw(EVEN[half], EVEN[half], 8);
        a.vpsraw(ODD[half], ODD[half], 8);
      }
      for (int t = 0; t < tokens; t++) {
        multiply(t, EVEN, Parameters.RECORD_QUANTS + column);
        multiply(t, ODD, Parameters.RECORD_QUANTS + Parameters.ODD_QUANTS + column);
      }
    }
    addDots();
  }

  /** Adds two columns to a token's dots. */
  private void multiply(int token, Vector[] weights, int offset) {
    a.vpbroadcastd(X, record(token, offset));
    a.vpmaddwd(PRODUCT, weights[0], X);
    a.vpaddd(dot(token, 0), dot(token, 0), PRODUCT);
    a.vpmaddwd(X, weights[1], X);
    a.vpaddd(dot(token, 1), dot(token, 1), X);
  }

  /** Adds the dots, scaled, to the sums. */
  private void addDots() {
    for (int half = 0; half < 2; half++) {
      a.vcvtph2ps(EVEN[half], at(Registers.HEADER, 16 * half));
    }
    for (int t = 0; t < tokens; t++) {
      a.vbroadcastss(X, record(t, Parameters.SCALE));
      for (int half = 0; half < 2; half++) {
        Vector dot = dot(t, half);
        a.vcvtdq2ps(dot, dot);
        a.vmulps(PRODUCT, EVEN[half], X);
        a.vfmadd213ps(dot, PRODUCT, sum(t, half));
        a.vmovups(sum(t, half), dot);
      }
    }
  }
}
