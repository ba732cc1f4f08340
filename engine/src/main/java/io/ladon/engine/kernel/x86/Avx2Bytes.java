package io.ladon.engine.kernel.x86;

/**
 * AVX2 with weights of 8 bits. {@code vpmaddubsw} wants one unsigned factor, so the weights' signs
 * go to the activations: {@code |w| * (sign(w) a)}. Two products fit 16 bits, 2 * 128 * 127, but no
 * more, so they are added up to 32 bits at once.
 */
final class Avx2Bytes extends Avx2Arithmetic {

  /** Tokens of a tile at most: more would not fit the registers. */
  static final int MOST_TOKENS = 4;

  private final Vector[] magnitudes = {register(), register()}; // of the weights of each half
  private final Vector product = register();

  Avx2Bytes(Assembler assembler, Format format, int tokens) {
    super(assembler, Tier.AVX2, format, tokens, 2);
  }

  @Override
  void readBytes(int half, Vector to, Memory from) {
    a.vmovdqu(to, from);
    a.vpabsb(magnitudes[half], to);
  }

  @Override
  void multiply(Vector dot, int half, Vector weights, Vector activations) {
    Vector to = half + 1 == halves ? activations : product;
    a.vpsignb(to, activations, weights);
    a.vpmaddubsw(to, magnitudes[half], to);
    a.vpmaddwd(to, to, ones());
    a.vpaddd(dot, dot, to);
  }
}
