package io.ladon.engine.kernel.x86;

/**
 * AVX-VNNI, which is AVX2 with {@code vpdpbusd}: it multiplies four columns of each row with four
 * activations and adds the products to a sum of 32 bits, bytes included. Unlike AVX-512 it has no
 * operand that is repeated as it is read, so both halves of the rows share each activation.
 */
final class AvxVnniArithmetic extends Avx2Arithmetic {

  AvxVnniArithmetic(Assembler assembler, Format format, int tokens) {
    super(assembler, Tier.AVX_VNNI, format, tokens, 2, 0);
  }

  /** Tokens of a tile at most: more would not fit the registers. */
  static int maxTokens(Format format) {
    return format.highPlanes() == 0 ? 6 : 4;
  }

  @Override
  void readBytes(int half, Vector to, Memory from) {
    a.vpxor(to, signs(), from); // unsigned, and 128 too large
  }

  @Override
  void startDot(Vector dot, int token, int index) {
    if (format.zeroPoint() == 0) {
      a.vpxor(dot, dot, dot);
    } else {
      a.vpbroadcastd(dot, record(token, Parameters.correction(index)));
    }
  }

  @Override
  void multiply(Vector dot, int half, Vector weights, Vector activations, boolean first) {
    a.vpdpbusd(dot, weights, activations);
  }
}
