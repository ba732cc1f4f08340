package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.BYTES;
import static io.ladon.engine.kernel.Simd.FLOAT;
import static io.ladon.engine.kernel.Simd.FLOATS;
import static io.ladon.engine.kernel.Simd.INTS;
import static io.ladon.engine.kernel.Simd.LITTLE;
import static io.ladon.engine.kernel.Simd.MEMORY;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of one panel of float32 weights with float32 activations, one token or four; and the
 * widening of 16-bit floats. A column of the panel is 16 floats, one for each row.
 */
final class VectorFloats {

  private VectorFloats() {}

  /** Bfloat16 to float32: the upper half of its bits. */
  static void widenBfloat16(long from, long count, long to) {
    for (int row = 0; row < PackedLayout.ROWS; row += Simd.ROWS) {
      long source = from + 2L * row;
      long target = to + 4L * row;
      for (long end = target + 64 * count; target != end; target += 64, source += 32) {
        ((IntVector)
                ShortVector.fromMemorySegment(Simd.HALVES, MEMORY, source, LITTLE)
                    .convertShape(VectorOperators.S2I, INTS, 0))
            .lanewise(VectorOperators.LSHL, 16)
            .intoMemorySegment(MEMORY, target, LITTLE);
      }
    }
  }

  /** Adds the products of some columns to the sums of one token. */
  static void one(long weightsBegin, int columns, long xBegin, long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);
      long x = xBegin;
      long weights = weightsBegin + part;
      for (long end = weights + 64L * columns; weights != end; weights += 64, x += 4) {
        acc =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, weights, LITTLE)
                .fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, x)), acc);
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }

  /**
   * The same for four tokens.
   *
   * @param xStep bytes from one token's activations to the next
   * @param sumsStep bytes from one token's sums to the next
   */
  static void four(
      long weightsBegin, int columns, long xBegin, long xStep, long sums, long sumsStep) {
    for (int part = 0; part < 64; part += BYTES) {
      long sum = sums + part;
      FloatVector acc0 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum, LITTLE);
      FloatVector acc1 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + sumsStep, LITTLE);
      FloatVector acc2 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + 2 * sumsStep, LITTLE);
      FloatVector acc3 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + 3 * sumsStep, LITTLE);
      long x = xBegin;
      long weights = weightsBegin + part;
      for (long end = weights + 64L * columns; weights != end; weights += 64, x += 4) {
        FloatVector w = FloatVector.fromMemorySegment(FLOATS, MEMORY, weights, LITTLE);
        acc0 = w.fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, x)), acc0);
        acc1 = w.fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, x + xStep)), acc1);
        acc2 = w.fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, x + 2 * xStep)), acc2);
        acc3 = w.fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, x + 3 * xStep)), acc3);
      }
      acc0.intoMemorySegment(MEMORY, sum, LITTLE);
      acc1.intoMemorySegment(MEMORY, sum + sumsStep, LITTLE);
      acc2.intoMemorySegment(MEMORY, sum + 2 * sumsStep, LITTLE);
      acc3.intoMemorySegment(MEMORY, sum + 3 * sumsStep, LITTLE);
    }
  }
}
