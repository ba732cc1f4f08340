package io.ladon.engine.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** {@link Exponential} in vectors: the same operations, the same bits. */
public final class VectorExponential {

  private VectorExponential() {}

  /**
   * e to the power of each lane. Small enough to be inlined where it is called once in a loop;
   * check that nothing is allocated when you call it from more places.
   */
  public static FloatVector exp(FloatVector x) {
    FloatVector clamped =
        x.blend(Exponential.LOWEST, x.compare(VectorOperators.LT, Exponential.LOWEST))
            .blend(Exponential.HIGHEST, x.compare(VectorOperators.GT, Exponential.HIGHEST));
    FloatVector rounded = clamped.fma(Exponential.LOG2_E, Exponential.ROUNDER);
    FloatVector n = rounded.sub(Exponential.ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(x.species(), Exponential.MINUS_LN2_HIGH), clamped);
    r = n.fma(FloatVector.broadcast(x.species(), Exponential.MINUS_LN2_LOW), r);
    FloatVector p =
        FloatVector.broadcast(x.species(), Exponential.P0)
            .fma(r, FloatVector.broadcast(x.species(), Exponential.P1));
    p = p.fma(r, FloatVector.broadcast(x.species(), Exponential.P2));
    p = p.fma(r, FloatVector.broadcast(x.species(), Exponential.P3));
    p = p.fma(r, FloatVector.broadcast(x.species(), Exponential.P4));
    p = p.fma(r, FloatVector.broadcast(x.species(), Exponential.P5));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector exponent = rounded.reinterpretAsInts().sub(Exponential.ROUNDER_BITS);
    IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
    FloatVector first = half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    FloatVector second =
        exponent.sub(half).add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    return p.mul(first)
        .mul(second)
        .blend(0f, n.compare(VectorOperators.LE, Exponential.LOWEST_POWER));
  }
}
