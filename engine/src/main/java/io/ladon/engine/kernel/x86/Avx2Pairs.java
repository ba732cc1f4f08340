package io.ladon.engine.kernel.x86;

/**
 * AVX2: {@code vpmaddubsw} multiplies four columns of each row with four activations and adds the
 * products in pairs, so a row has two 16-bit sums: of columns 0, 1 and of columns 2, 3 of each
 * four. Weights of 4 to 6 bits add up there without leaving 16 bits: 15 * 127 * 16 columns is less
 * than 2 ^ 15, and so are 16 * 127 * 16 and, for the half blocks of Q6_K, 32 * 127 * 8, when 16 and
 * 32 are subtracted from the quants. That subtraction is added afterwards ({@link
 * Parameters#CORRECTION}, modulo 2 ^ 16). Bytes do not fit ({@link Avx2Bytes}).
 */
final class Avx2Pairs extends Avx2Arithmetic {

  /** Tokens up to which registers suffice for both halves of the rows. */
  private static final int BOTH_HALVES = 5;

  /** The same where there are bits above nibbles. */
  private static final int BOTH_HALVES_AND_BITS = 3;

  Avx2Pairs(Assembler assembler, Format format, int tokens) {
    super(assembler, Tier.AVX2, format, tokens, tokens <= bothHalves(format) ? 2 : 1, 0);
  }

  private static int bothHalves(Format format) {
    return format.highPlanes() == 0 ? BOTH_HALVES : BOTH_HALVES_AND_BITS;
  }

  /**
   * Tokens of a tile at most. Without bits above the nibbles to put in their place each time, two
   * tiles whose halves share activations are quicker than one whose halves do not.
   */
  static int maxTokens(Format format) {
    return format.highPlanes() == 0 ? BOTH_HALVES : MAX_TOKENS;
  }

  @Override
  void readBytes(int half, Vector to, Memory from) {
    throw new IllegalStateException(format.type() + " has weights of 8 bits");
  }

  @Override
  void multiply(Vector dot, int half, Vector weights, Vector activations, boolean first) {
    if (first) {
      a.vpmaddubsw(dot, weights, activations);
      return;
    }
    a.vpmaddubsw(products[half], weights, activations);
    a.vpaddw(dot, dot, products[half]);
  }

  @Override
  void finishDots(Vector[] dots, int token, int index) {
    finishPairs(dots, token, index, ones(), X);
  }
}
