package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;

/**
 * The exponential of every lane, operation by operation that of {@code Exponential}. Needs the
 * {@link ConstantTable} aimed at.
 */
final class ExponentialCode {

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
    emit(Constant.LOWEST, x, scratch);
  }

  /**
   * {@code x = 1 + exp(x)}. The exponential is not taken of less than what 1 absorbs: results would
   * be subnormal, which some CPUs take a hundred times as long for.
   *
   * @param scratch four registers of the same width
   */
  void emitOnePlus(Vector x, Vector... scratch) {
    emit(Constant.ABSORBED, x, scratch);
    a.vaddps(x, x, constant(Constant.ONE));
  }

  private void emit(Constant lowest, Vector x, Vector... scratch) {
    Vector rounded = scratch[0];
    Vector n = scratch[1];
    Vector p = scratch[2];
    Vector square = scratch[3];
    // NaN is what is left of both comparisons.
    a.vmovups(n, constant(lowest));
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
    // Rounded once, as the product of two factors is whose first leaves no subnormal.
    if (x.bits() == 512) {
      a.vscalefps(x, p, n);
    } else {
      emitScale(x, p, rounded, n);
    }
  }

  /** {@code x = p * 2^n} by two factors, for results may be subnormal. */
  private void emitScale(Vector x, Vector p, Vector rounded, Vector half) {
    Vector exponent = rounded;
    a.vpsubd(exponent, rounded, constant(Constant.ROUNDER));
    a.vpsrad(half, exponent, 1);
    a.vpsubd(exponent, exponent, half);
    for (Vector factor : new Vector[] {half, exponent}) {
      a.vpaddd(factor, factor, ConstantTable.bias());
      a.vpslld(factor, factor, 23);
    }
    a.vmulps(p, p, half);
    a.vmulps(x, p, exponent);
  }
}
