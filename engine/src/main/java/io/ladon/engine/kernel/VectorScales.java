package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Turns tiles' headers into float32: 16 weight scales a dot (two dots a block of Q6_K) and, where
 * the format has them, 16 minima a block.
 */
final class VectorScales {

  private static final int MAGNITUDE = 0x7FFF;
  private static final int SIGN = 0x8000_0000;
  private static final int EXPONENT = 0x7F80_0000;

  /** 2^112: from a half's exponent in a float's place to the value. */
  private static final float REBIAS = 0x1p112f;

  /** What infinity and NaN of a half become by that factor, at least. */
  private static final float OVERFLOW = 65536f;

  private VectorScales() {}

  /**
   * Decodes the header of one tile.
   *
   * @param header address of the tile
   * @param scales address of 16 floats for each dot
   * @param minima address of 16 floats for each block
   */
  static void decode(TensorType type, long header, int blocks, long scales, long minima) {
    switch (type) {
      case Q4_0, Q5_0, Q8_0 -> halves(header, 32, blocks, scales);
      case Q4_1, Q5_1 -> {
        halves(header, 64, blocks, scales);
        halves(header + 32, 64, blocks, minima);
      }
      case Q4_K, Q5_K -> superBlock(header, blocks, scales, minima);
      case Q6_K -> superBlock6(header, blocks, scales);
      case F32, F16, BF16 -> {}
    }
  }

  /**
   * Halves to floats, exactly, subnormals, infinities and NaN included: exponent and fraction are
   * moved to a float's place and multiplied by 2^112; what was infinite or NaN gets its exponent
   * back.
   *
   * @param step bytes from 16 halves to the next
   */
  static void halves(long from, int step, int count, long to) {
    for (int row = 0; row < PackedLayout.ROWS; row += Simd.ROWS) {
      long source = from + 2L * row;
      long target = to + 4L * row;
      for (int i = 0; i < count; i++, source += step, target += 64) {
        IntVector bits =
            (IntVector)
                ShortVector.fromMemorySegment(Simd.HALVES, Simd.MEMORY, source, Simd.LITTLE)
                    .convertShape(VectorOperators.S2I, Simd.INTS, 0);
        FloatVector value =
            bits.and(MAGNITUDE)
                .lanewise(VectorOperators.LSHL, 13)
                .reinterpretAsFloats()
                .mul(REBIAS);
        IntVector exact = value.reinterpretAsInts();
        exact =
            exact.lanewise(
                VectorOperators.OR,
                EXPONENT,
                value.compare(VectorOperators.GE, OVERFLOW).cast(Simd.INTS));
        exact.or(bits.and(SIGN)).intoMemorySegment(Simd.MEMORY, target, Simd.LITTLE);
      }
    }
  }

  private static void superBlock(long header, int blocks, long scales, long minima) {
    // d and dmin are decoded to where the first block's values go, which are computed last.
    halves(header, 0, 1, scales);
    halves(header + 32, 0, 1, minima);
    for (int row = 0; row < PackedLayout.ROWS; row += Simd.ROWS) {
      FloatVector d =
          FloatVector.fromMemorySegment(Simd.FLOATS, Simd.MEMORY, scales + 4L * row, Simd.LITTLE);
      FloatVector dmin =
          FloatVector.fromMemorySegment(Simd.FLOATS, Simd.MEMORY, minima + 4L * row, Simd.LITTLE)
              .neg();
      for (int b = blocks - 1; b >= 0; b--) {
        long source = header + 64 + 32L * b + row;
        long target = 64L * b + 4L * row;
        FloatVector scale =
            (FloatVector)
                ByteVector.fromMemorySegment(Simd.QUARTERS, Simd.MEMORY, source, Simd.LITTLE)
                    .convertShape(VectorOperators.B2F, Simd.FLOATS, 0);
        FloatVector minimum =
            (FloatVector)
                ByteVector.fromMemorySegment(Simd.QUARTERS, Simd.MEMORY, source + 16, Simd.LITTLE)
                    .convertShape(VectorOperators.B2F, Simd.FLOATS, 0);
        d.mul(scale).intoMemorySegment(Simd.MEMORY, scales + target, Simd.LITTLE);
        dmin.mul(minimum).intoMemorySegment(Simd.MEMORY, minima + target, Simd.LITTLE);
      }
    }
  }

  private static void superBlock6(long header, int blocks, long scales) {
    halves(header, 0, 1, scales);
    for (int row = 0; row < PackedLayout.ROWS; row += Simd.ROWS) {
      FloatVector d =
          FloatVector.fromMemorySegment(Simd.FLOATS, Simd.MEMORY, scales + 4L * row, Simd.LITTLE);
      for (int i = 2 * blocks - 1; i >= 0; i--) {
        FloatVector scale =
            (FloatVector)
                ByteVector.fromMemorySegment(
                        Simd.QUARTERS, Simd.MEMORY, header + 32 + 16L * i + row, Simd.LITTLE)
                    .convertShape(VectorOperators.B2F, Simd.FLOATS, 0);
        d.mul(scale).intoMemorySegment(Simd.MEMORY, scales + 64L * i + 4L * row, Simd.LITTLE);
      }
    }
  }
}
