package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.BYTES;
import static io.ladon.engine.kernel.Simd.FLOAT;
import static io.ladon.engine.kernel.Simd.FLOATS;
import static io.ladon.engine.kernel.Simd.INT;
import static io.ladon.engine.kernel.Simd.INTS;
import static io.ladon.engine.kernel.Simd.LITTLE;
import static io.ladon.engine.kernel.Simd.MEMORY;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Quantises activations, and sums what is quantised; on addresses. */
final class VectorQuantizer {

  private VectorQuantizer() {}

  /** Quantises consecutive blocks of 32 floats. */
  static void quantize(long x, int blocks, long quants, long scales, long sums) {
    for (long end = scales + 4L * blocks; scales != end; scales += 4, sums += 4) {
      FloatVector largest = FloatVector.zero(FLOATS);
      for (long at = x, blockEnd = x + 128; at != blockEnd; at += BYTES) {
        largest = largest.max(FloatVector.fromMemorySegment(FLOATS, MEMORY, at, LITTLE).abs());
      }
      float magnitude = largest.reduceLanes(VectorOperators.MAX);
      float factor = ScalarKernels.quantFactor(magnitude);
      MEMORY.set(FLOAT, scales, magnitude / 127f);
      if (factor == 0f) {
        MEMORY.asSlice(quants, 32).fill((byte) 0);
        MEMORY.set(INT, sums, 0);
        x += 128;
        quants += 32;
        continue;
      }
      IntVector sum = IntVector.zero(INTS);
      for (long blockEnd = x + 128; x != blockEnd; x += BYTES, quants += BYTES / 4) {
        IntVector rounded =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, x, LITTLE)
                .mul(factor)
                .add(Exponential.ROUNDER)
                .reinterpretAsInts()
                .sub(Exponential.ROUNDER_BITS);
        sum = sum.add(rounded);
        ByteVector bytes = (ByteVector) rounded.convertShape(VectorOperators.I2B, Simd.QUARTERS, 0);
        if (BYTES / 4 == Simd.QUARTERS.vectorByteSize()) {
          bytes.intoMemorySegment(MEMORY, quants, LITTLE);
        } else {
          // Four bytes are no vector.
          MEMORY.set(INT, quants, bytes.reinterpretAsInts().lane(0));
        }
      }
      MEMORY.set(INT, sums, sum.reduceLanes(VectorOperators.ADD));
    }
  }

  /** Sums consecutive blocks of 32 quants. */
  static void sumBlocks(long quants, long blocks, long sums) {
    for (long end = sums + 4 * blocks; sums != end; sums += 4, quants += 32) {
      ShortVector first =
          ShortVector.fromMemorySegment(ShortVector.SPECIES_128, MEMORY, quants, LITTLE);
      ShortVector second =
          ShortVector.fromMemorySegment(ShortVector.SPECIES_128, MEMORY, quants + 16, LITTLE);
      ShortVector sum =
          first
              .lanewise(VectorOperators.LSHL, 8)
              .lanewise(VectorOperators.ASHR, 8)
              .add(first.lanewise(VectorOperators.ASHR, 8))
              .add(second.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8))
              .add(second.lanewise(VectorOperators.ASHR, 8));
      // At most 32 * 128, so 16 bits hold even the whole sum.
      MEMORY.set(INT, sums, sum.reduceLanes(VectorOperators.ADD));
    }
  }
}
