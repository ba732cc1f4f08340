package io.ladon.engine.kernel.x86;

/**
 * AVX2 with weights of 8 bits. {@code vpmaddubsw} wants one unsigned factor, so the weights' signs
 * go to the activations: {@code |w| * (sign(w) a)}. Two products fit 16 bits, 2 * 128 * 127, but no
 * more, so they are added up to 32 bits at once.
 */
final class Avx2Bytes extends Avx2Arithmetic {

  /** Tokens of a tile at most: more would not fit the registers. */
  static final int MOST_TOKENS = 4;

  private final Vector[] magnitudes; // of the weights of each half

  Avx2Bytes(Assembler assembler, Format format, int tokens) {
    super(assembler, Tier.AVX2, format, tokens, 2, 2);
    magnitudes = new Vector[] {register(), register()};
  }

  @Override
  void readBytes(int half, Vector to, Memory from) {
    a.vmovdqu(to, from);
    a.vpabsb(magnitudes[half], to);
  }

  @Override
  void multiply(Vector dot, int half, Vector weights, Vector activations, boolean first) {
    Vector to = products[half];
    a.vpsignb(to, activations, weights);
    a.vpmaddubsw(to, magnitudes[half], to);
    a.vpmaddwd(first ? dot : to, to, ones());
    if (!first) {
      a.vpaddd(dot, dot, to);
    }
  }
}
