package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.BYTES;
import static io.ladon.engine.kernel.Simd.FLOAT;
import static io.ladon.engine.kernel.Simd.INT;
import static io.ladon.engine.kernel.Simd.LITTLE;
import static io.ladon.engine.kernel.Simd.MEMORY;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_I2L;

import io.ladon.engine.checkpoint.TensorType;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Some tokens' activations as the vector kernels want them, in a thread's scratch: the even and the
 * odd columns as 16-bit numbers, so that four columns are a pair of evens and a pair of odds; the
 * sums scaled for the minima; and the sums times a format's correction.
 */
final class VectorActivations {

  private static final VectorSpecies<Integer> FOURS =
      VectorSpecies.of(int.class, VectorShape.forBitSize(Simd.BITS / 2));
  private static final VectorSpecies<Long> LONGS =
      VectorSpecies.of(long.class, VectorShape.forBitSize(Simd.BITS));

  private long pairsStep;
  private long blocksStep;
  private long pairs;
  private long scales;
  private long minimumScales;
  private long corrections;
  private long floatsStep;
  private long floats;

  /**
   * Prepares tokens {@code [begin, end)} of {@code x}; the methods below count from {@code begin}.
   */
  void prepare(Scratch scratch, TensorType type, QuantizedActivations x, int begin, int end) {
    long blocks = (long) (end - begin) * x.blocks();
    pairsStep = 2L * x.columns();
    blocksStep = 4L * x.blocks();
    pairs = scratch.address(Scratch.Use.PAIRS, 64 * blocks);
    minimumScales = scratch.address(Scratch.Use.MINIMUM_SCALES, 4 * blocks);
    corrections = scratch.address(Scratch.Use.CORRECTIONS, 4 * blocks);
    scales = x.scales().address() + begin * blocksStep;
    part(x.quants().address() + (long) begin * x.columns(), blocks);
    int correction =
        switch (type) {
          case Q4_0 -> -8;
          case Q5_1, Q5_K -> 16;
          default -> 0;
        };
    long sums = x.sums().address() + begin * blocksStep;
    for (long i = 0; i < 4 * blocks; i += 4) {
      int sum = MEMORY.get(INT, sums + i);
      MEMORY.set(INT, corrections + i, correction * sum);
      MEMORY.set(FLOAT, minimumScales + i, MEMORY.get(FLOAT, scales + i) * (float) sum);
    }
  }

  /** Points to float32 activations, from token {@code begin} on. */
  void point(FloatTensor x, int begin) {
    floatsStep = 4L * x.columns();
    floats = x.segment().address() + begin * floatsStep;
  }

  private void part(long quants, long blocks) {
    for (long end = quants + 32 * blocks, target = pairs; quants != end; ) {
      IntVector four = IntVector.fromMemorySegment(FOURS, MEMORY, quants, LITTLE);
      LongVector evens =
          (LongVector)
              four.reinterpretAsShorts()
                  .lanewise(LSHL, 8)
                  .reinterpretAsInts()
                  .convertShape(ZERO_EXTEND_I2L, LONGS, 0);
      LongVector odds = (LongVector) four.convertShape(ZERO_EXTEND_I2L, LONGS, 0);
      evens
          .or(odds.lanewise(LSHL, 32))
          .reinterpretAsShorts()
          .lanewise(ASHR, 8)
          .intoMemorySegment(MEMORY, target, LITTLE);
      quants += BYTES / 2;
      target += BYTES;
    }
  }

  /** Address of a token's block: for each four columns 4 bytes of even and 4 of odd columns. */
  long pairs(int token, int block) {
    return pairs + token * pairsStep + 64L * block;
  }

  /** Bytes from one token's pairs to the next. */
  long pairsStep() {
    return pairsStep;
  }

  /** Address of the scale of a token's block; the next block's is 4 bytes on. */
  long scales(int token, int block) {
    return scales + token * blocksStep + 4L * block;
  }

  /** Address of what the minima of a block are multiplied by. */
  long minimumScales(int token, int block) {
    return minimumScales + token * blocksStep + 4L * block;
  }

  /** Address of what is added to the integer dots of a block; zero where a format needs none. */
  long corrections(int token, int block) {
    return corrections + token * blocksStep + 4L * block;
  }

  /** Address of the first float of a token's block, for float weights. */
  long floats(int token, int block) {
    return floats + token * floatsStep + 4L * PackedLayout.BLOCK * block;
  }

  /** Bytes from one token's floats to the next. */
  long floatsStep() {
    return floatsStep;
  }

  /** Bytes from one token's scales, minimum scales and corrections to the next. */
  long blocksStep() {
    return blocksStep;
  }
}
