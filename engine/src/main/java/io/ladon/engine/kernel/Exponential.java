package io.ladon.engine.kernel;

import io.ladon.engine.model.ModelSpec;

/**
 * The project's own exponential and what is made of it. Vector kernels do the same operations on
 * the same constants, so the bits are the same; no library call is involved.
 *
 * <p>{@code exp(x) = 2^n * exp(r)} with {@code n = round(x / ln 2)} and {@code r = x - n ln 2} in
 * two steps, {@code exp(r)} by the polynomial of Cephes' {@code expf}. At most 2 ulp from the true
 * value; exactly 0 for everything up to -104 and infinite from 89 on.
 */
public final class Exponential {

  /** Below this exp rounds to zero. */
  static final float LOWEST = -104f;

  /** Above this exp is infinite. */
  static final float HIGHEST = 89f;

  static final float LOG2_E = 1.442695f;

  /** 1.5 * 2^23: a float of that size has no fraction, so adding it rounds half to even. */
  static final float ROUNDER = 12582912f;

  static final int ROUNDER_BITS = 0x4B400000;
  static final float MINUS_LN2_HIGH = -0.6933594f;
  static final float MINUS_LN2_LOW = 2.1219444e-4f;
  static final float P0 = 1.9875691E-4f;
  static final float P1 = 1.3981999E-3f;
  static final float P2 = 8.333452E-3f;
  static final float P3 = 4.1665796E-2f;
  static final float P4 = 1.6666666E-1f;
  static final float P5 = 0.5f;

  /** Of GELU: -2 sqrt(2 / pi), and 0.044715 times that. */
  static final float GELU_1 = -1.5957692f;

  static final float GELU_3 = -0.071354814f;

  private Exponential() {}

  /** e to the power of x; NaN of NaN. */
  public static float exp(float x) {
    // Not Math.max: compare and pick, as the vector kernels do, lets NaN through.
    float clamped = x < LOWEST ? LOWEST : x;
    clamped = clamped > HIGHEST ? HIGHEST : clamped;
    float rounded = Math.fma(clamped, LOG2_E, ROUNDER);
    float n = rounded - ROUNDER;
    float r = Math.fma(n, MINUS_LN2_HIGH, clamped);
    r = Math.fma(n, MINUS_LN2_LOW, r);
    float p = Math.fma(P0, r, P1);
    p = Math.fma(p, r, P2);
    p = Math.fma(p, r, P3);
    p = Math.fma(p, r, P4);
    p = Math.fma(p, r, P5);
    p = Math.fma(p, r * r, r) + 1f;
    // Two factors, so that results may be subnormal and 2^128 is reached.
    int exponent = Float.floatToRawIntBits(rounded) - ROUNDER_BITS;
    int half = exponent >> 1;
    float first = Float.intBitsToFloat((half + 127) << 23);
    float second = Float.intBitsToFloat((exponent - half + 127) << 23);
    return p * first * second;
  }

  /** The activation of a gate: one division, by the exponential. */
  static float activate(ModelSpec.Activation activation, float x) {
    return switch (activation) {
      case SILU -> x / (1f + exp(-x));
      // 0.5 (1 + tanh u) = 1 / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3)
      case GELU_TANH -> x / (1f + exp(x * Math.fma(x * x, GELU_3, GELU_1)));
    };
  }
}
