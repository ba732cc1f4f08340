package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;

/**
 * The exponential of every lane, operation by operation that of {@code Exponential}. Needs the
 * {@link ConstantTable} aimed at.
 */
final class ExponentialCode {

  /** A mask register that is overwritten. */
  private static final int MASK = 1;

  /** A predicate that also holds for NaN. */
  private static final int NOT_BELOW_OR_EQUAL = 6;

  private final Assembler a;

  ExponentialCode(Assembler assembler) {
    this.a = assembler;
  }

  /**
   * {@code x = exp(x)}.
   *
   * @param scratch four registers of the same width
   */
  void emit(Vector x, Vector... scratch) {
    Vector rounded = scratch[0];
    Vector n = scratch[1];
    Vector p = scratch[2];
    Vector square = scratch[3];
    // NaN is what is left of both comparisons.
    a.vmovups(n, constant(Constant.LOWEST));
    a.vmaxps(x, n, x);
    a.vmovups(n, constant(Constant.HIGHEST));
    a.vminps(x, n, x);
    a.vmovups(rounded, constant(Constant.ROUNDER));
    a.vfmadd231ps(rounded, x, constant(Constant.LOG2_E));
    a.vsubps(n, rounded, constant(Constant.ROUNDER));
    a.vfmadd231ps(x, n, constant(Constant.MINUS_LN2_HIGH));
    a.vfmadd231ps(x, n, constant(Constant.MINUS_LN2_LOW));
    a.vmovups(p, constant(Constant.P0));
    a.vfmadd213ps(p, x, constant(Constant.P1));
    a.vfmadd213ps(p, x, constant(Constant.P2));
    a.vfmadd213ps(p, x, constant(Constant.P3));
    a.vfmadd213ps(p, x, constant(Constant.P4));
    a.vfmadd213ps(p, x, constant(Constant.P5));
    a.vmulps(square, x, x);
    a.vfmadd213ps(p, square, x);
    a.vaddps(p, p, constant(Constant.ONE));
    if (x.bits() == 512) {
      a.vcmpps(MASK, n, constant(Constant.LOWEST_POWER), NOT_BELOW_OR_EQUAL);
      a.vscalefps(x, MASK, p, n);
    } else {
      emitScale(x, p, rounded, n, square);
    }
  }

  /** {@code x = p * 2^n} by two factors, which reach 2^128; or 0. */
  private void emitScale(Vector x, Vector p, Vector rounded, Vector n, Vector half) {
    Vector exponent = rounded;
    a.vcmpps(n, n, constant(Constant.LOWEST_POWER), NOT_BELOW_OR_EQUAL);
    a.vpsubd(exponent, rounded, constant(Constant.ROUNDER));
    a.vpsrad(half, exponent, 1);
    a.vpsubd(exponent, exponent, half);
    for (Vector factor : new Vector[] {half, exponent}) {
      a.vpaddd(factor, factor, ConstantTable.bias());
      a.vpslld(factor, factor, 23);
    }
    a.vmulps(p, p, half);
    a.vmulps(x, p, exponent);
    a.vpand(x, x, n);
  }
}
