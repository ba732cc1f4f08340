package io.ladon.engine.kernel.x86;

/**
 * AVX2: {@code vpmaddubsw} multiplies four columns of each row with four activations and adds the
 * products in pairs, so a row has two 16-bit sums: of columns 0, 1 and of columns 2, 3 of each
 * four. Weights of 4 to 6 bits add up there without leaving 16 bits: 15 * 127 * 16 columns is less
 * than 2 ^ 15, and so are 16 * 127 * 16 and, for the half blocks of Q6_K, 32 * 127 * 8, when 16 and
 * 32 are subtracted from the quants. That subtraction is what the sums start at ({@link
 * Parameters#CORRECTION}, modulo 2 ^ 16). Bytes do not fit ({@link Avx2Bytes}).
 */
final class Avx2Pairs extends Avx2Arithmetic {

  /** Tokens up to which both halves of the rows go together, for want of registers. */
  private static final int BOTH_HALVES = 3;

  private final Vector product;

  Avx2Pairs(Assembler assembler, Format format, int tokens) {
    super(assembler, Tier.AVX2, format, tokens, tokens <= BOTH_HALVES ? 2 : 1);
    product = halves == 2 ? register() : X;
  }

  @Override
  void readBytes(int half, Vector to, Memory from) {
    throw new IllegalStateException(format.type() + " has weights of 8 bits");
  }

  @Override
  void multiply(Vector dot, int half, Vector weights, Vector activations) {
    Vector to = half + 1 == halves ? activations : product;
    a.vpmaddubsw(to, weights, activations);
    a.vpaddw(dot, dot, to);
  }

  @Override
  void finishDot(Vector dot, int token) {
    a.vpmaddwd(dot, dot, ones());
    if (format.hasOffset()) {
      a.vpbroadcastd(X, record(token, Parameters.OFFSET));
      a.vpaddd(dot, dot, X);
    }
  }
}
