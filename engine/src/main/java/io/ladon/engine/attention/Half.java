package io.ladon.engine.attention;

/**
 * Half precision without infinity and NaN: all 32 exponents are those of numbers, so that reading
 * takes a shift, a mask and a multiplication.
 */
final class Half {

  /** Largest value of IEEE half precision; larger magnitudes are kept as this one. */
  static final float LARGEST = 65504f;

  /** Keeps the sign and what was shifted by 13 of 16 bits that were widened with their sign. */
  static final int MASK = 0x8fffffff;

  /** 2^112: moves the exponent of the shifted bits to where float32 has it; subnormals too. */
  static final float SCALE = Float.intBitsToFloat((127 + 112) << 23);

  private Half() {}

  /** Rounds to nearest even; NaN becomes -65504. */
  static short of(float x) {
    return Float.floatToFloat16(x > -LARGEST ? Math.min(x, LARGEST) : -LARGEST);
  }

  /** Exact; what vectors do too. */
  static float toFloat(short half) {
    return Float.intBitsToFloat((half << 13) & MASK) * SCALE;
  }
}
