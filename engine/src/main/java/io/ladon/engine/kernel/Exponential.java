package io.ladon.engine.kernel;

import io.ladon.engine.kernel.x86.Constant;
import io.ladon.engine.model.ModelSpec;

/**
 * The project's own exponential and what is made of it. Vector kernels do the same operations on
 * the same constants, so the bits are the same; no library call is involved.
 *
 * <p>{@code exp(x) = 2^n * exp(r)} with {@code n = round(x / ln 2)} and {@code r = x - n ln 2} in
 * two steps, {@code exp(r)} by the polynomial of Cephes' {@code expf}. At most 2 ulp from the true
 * value, and infinite from 89 on. Exactly 0 where {@code n <= -87}, which is from -60 down: every
 * sum that the exponential is added to holds a 1, of which that is less than 2^-86. So nothing in
 * the sums becomes subnormal, which some CPUs take a hundred times as long for.
 */
public final class Exponential {

  /** Below this exp is zero. */
  public static final float LOWEST = -60f;

  /** Where {@code n} is not above this, exp is zero. */
  public static final float LOWEST_POWER = -87f;

  /** Above this exp is infinite. */
  static final float HIGHEST = 89f;

  public static final float LOG2_E = 1.442695f;

  /** 1.5 * 2^23: a float of that size has no fraction, so adding it rounds half to even. */
  public static final float ROUNDER = 12582912f;

  public static final int ROUNDER_BITS = 0x4B400000;
  public static final float MINUS_LN2_HIGH = -0.6933594f;
  public static final float MINUS_LN2_LOW = 2.1219444e-4f;
  public static final float P0 = 1.9875691E-4f;
  public static final float P1 = 1.3981999E-3f;
  public static final float P2 = 8.333452E-3f;
  public static final float P3 = 4.1665796E-2f;
  public static final float P4 = 1.6666666E-1f;
  public static final float P5 = 0.5f;

  /** Of GELU: -2 sqrt(2 / pi), and 0.044715 times that. */
  static final float GELU_1 = -1.5957692f;

  static final float GELU_3 = -0.071354814f;

  private Exponential() {}

  /** What machine code computes with. */
  static float constant(Constant constant) {
    return switch (constant) {
      case LOWEST -> LOWEST;
      case LOWEST_POWER -> LOWEST_POWER;
      case HIGHEST -> HIGHEST;
      case LOG2_E -> LOG2_E;
      case ROUNDER -> ROUNDER;
      case MINUS_LN2_HIGH -> MINUS_LN2_HIGH;
      case MINUS_LN2_LOW -> MINUS_LN2_LOW;
      case P0 -> P0;
      case P1 -> P1;
      case P2 -> P2;
      case P3 -> P3;
      case P4 -> P4;
      case P5 -> P5;
      case GELU_1 -> GELU_1;
      case GELU_3 -> GELU_3;
      case ONE -> 1f;
      case LARGEST_QUANT -> 127f;
      case LOWEST_HALF -> -65504f;
      case LARGEST_HALF -> 65504f;
      case INFINITY -> Float.POSITIVE_INFINITY;
    };
  }

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
    if (n <= LOWEST_POWER) {
      return 0f;
    }
    // Two factors, so that 2^128 is reached.
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
