package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.BYTES;
import static io.ladon.engine.kernel.Simd.FLOAT;
import static io.ladon.engine.kernel.Simd.FLOATS;
import static io.ladon.engine.kernel.Simd.INT;
import static io.ladon.engine.kernel.Simd.INTS;
import static io.ladon.engine.kernel.Simd.LITTLE;
import static io.ladon.engine.kernel.Simd.MEMORY;
import static io.ladon.engine.kernel.Simd.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of one panel with four tokens, from quants that {@link VectorUnpack} has unpacked: what
 * a prefill does, which waits for arithmetic. Every vector of weights that is loaded serves four
 * tokens. The arithmetic is that of {@link VectorDots}, and so are the rules.
 *
 * <p>First the integer dots of a few blocks with four tokens ({@link #narrow}, {@link #wide}), then
 * for each token the scales ({@link #scale}, {@link #scaleWithMinimum}). In one method the compiler
 * gave up inlining now and then, which made it 3 times slower; the dots pass through the L1 cache.
 * An activation is loaded in the very expression that broadcasts it: only so do both become one
 * instruction.
 */
final class VectorTiles {

  /** Tokens of one tile. */
  static final int TOKENS = 4;

  private VectorTiles() {}

  /**
   * Dots whose products fit 16 bits together: of a block in Q4 and Q5, of half a block in Q6.
   *
   * @param dotBytes of unpacked weights: 1024 for a block of 32 columns
   * @param pairsBegin address of the first token's activations, the others {@code pairsStep} apart
   * @param targetBegin address of 16 ints for each dot; one token after the other
   */
  static void narrow(
      long weightsBegin,
      int dots,
      long dotBytes,
      long pairsBegin,
      long pairsStep,
      long targetBegin) {
    long step = 64L * dots;
    for (int part = 0; part < 64; part += BYTES) {
      long weights = weightsBegin + part;
      long pairs = pairsBegin;
      long target = targetBegin + part;
      for (long end = target + step; target != end; target += 64) {
        ShortVector dot0 = ShortVector.zero(SHORTS);
        ShortVector dot1 = ShortVector.zero(SHORTS);
        ShortVector dot2 = ShortVector.zero(SHORTS);
        ShortVector dot3 = ShortVector.zero(SHORTS);
        for (long dotEnd = weights + dotBytes; weights != dotEnd; weights += 64, pairs += 4) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, weights, LITTLE);
          dot0 =
              dot0.add(
                  w.mul(IntVector.broadcast(INTS, MEMORY.get(INT, pairs)).reinterpretAsShorts()));
          dot1 =
              dot1.add(
                  w.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + pairsStep))
                          .reinterpretAsShorts()));
          dot2 =
              dot2.add(
                  w.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 2 * pairsStep))
                          .reinterpretAsShorts()));
          dot3 =
              dot3.add(
                  w.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 3 * pairsStep))
                          .reinterpretAsShorts()));
        }
        dot0.intoMemorySegment(MEMORY, target, LITTLE);
        dot1.intoMemorySegment(MEMORY, target + step, LITTLE);
        dot2.intoMemorySegment(MEMORY, target + 2 * step, LITTLE);
        dot3.intoMemorySegment(MEMORY, target + 3 * step, LITTLE);
      }
    }
    widen(targetBegin, TOKENS * dots);
  }

  /** Adds the two 16-bit lanes of each row. */
  private static void widen(long at, int count) {
    for (long end = at + 64L * count; at != end; at += BYTES) {
      IntVector lanes = IntVector.fromMemorySegment(INTS, MEMORY, at, LITTLE);
      lanes
          .lanewise(LSHL, 16)
          .lanewise(ASHR, 16)
          .add(lanes.lanewise(ASHR, 16))
          .intoMemorySegment(MEMORY, at, LITTLE);
    }
  }

  /** Dots of blocks of Q8_0: lanes are added in 32 bits after every two products. */
  static void wide(
      long weightsBegin, int blocks, long pairsBegin, long pairsStep, long targetBegin) {
    long step = 64L * blocks;
    for (int part = 0; part < 64; part += BYTES) {
      long weights = weightsBegin + part;
      long pairs = pairsBegin;
      long target = targetBegin + part;
      for (long end = target + step; target != end; target += 64) {
        IntVector dot0 = IntVector.zero(INTS);
        IntVector dot1 = IntVector.zero(INTS);
        IntVector dot2 = IntVector.zero(INTS);
        IntVector dot3 = IntVector.zero(INTS);
        for (long dotEnd = weights + 1024; weights != dotEnd; weights += 128, pairs += 8) {
          ShortVector even = ShortVector.fromMemorySegment(SHORTS, MEMORY, weights, LITTLE);
          ShortVector odd = ShortVector.fromMemorySegment(SHORTS, MEMORY, weights + 64, LITTLE);
          IntVector lanes0 =
              even.mul(IntVector.broadcast(INTS, MEMORY.get(INT, pairs)).reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          IntVector lanes1 =
              even.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + pairsStep))
                          .reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + pairsStep + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          IntVector lanes2 =
              even.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 2 * pairsStep))
                          .reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 2 * pairsStep + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          IntVector lanes3 =
              even.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 3 * pairsStep))
                          .reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 3 * pairsStep + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          dot0 = dot0.add(lanes0.lanewise(LSHL, 16).lanewise(ASHR, 16));
          dot0 = dot0.add(lanes0.lanewise(ASHR, 16));
          dot1 = dot1.add(lanes1.lanewise(LSHL, 16).lanewise(ASHR, 16));
          dot1 = dot1.add(lanes1.lanewise(ASHR, 16));
          dot2 = dot2.add(lanes2.lanewise(LSHL, 16).lanewise(ASHR, 16));
          dot2 = dot2.add(lanes2.lanewise(ASHR, 16));
          dot3 = dot3.add(lanes3.lanewise(LSHL, 16).lanewise(ASHR, 16));
          dot3 = dot3.add(lanes3.lanewise(ASHR, 16));
        }
        dot0.intoMemorySegment(MEMORY, target, LITTLE);
        dot1.intoMemorySegment(MEMORY, target + step, LITTLE);
        dot2.intoMemorySegment(MEMORY, target + 2 * step, LITTLE);
        dot3.intoMemorySegment(MEMORY, target + 3 * step, LITTLE);
      }
    }
  }

  /**
   * Adds the dots of one token to its sums.
   *
   * @param dotsBegin address of 16 ints for each dot
   * @param dotsOfBlock 1, or 2 where each half of a block has its scales
   * @param activationScalesBegin address of the token's scales, one a block
   * @param correctionsBegin address of what is added to the dots, one int a block
   */
  static void scale(
      long dotsBegin,
      int blocks,
      int dotsOfBlock,
      long scalesBegin,
      long activationScalesBegin,
      long correctionsBegin,
      long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      long dots = dotsBegin + part;
      long scales = scalesBegin + part;
      long corrections = correctionsBegin;
      long activationScales = activationScalesBegin;
      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);
      for (long end = dots + 64L * blocks * dotsOfBlock; dots != end; ) {
        float activationScale = MEMORY.get(FLOAT, activationScales);
        int correction = MEMORY.get(INT, corrections);
        for (long blockEnd = dots + 64L * dotsOfBlock; dots != blockEnd; dots += 64) {
          IntVector dot = IntVector.fromMemorySegment(INTS, MEMORY, dots, LITTLE).add(correction);
          acc =
              ((FloatVector) dot.convert(I2F, 0))
                  .fma(
                      FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE)
                          .mul(activationScale),
                      acc);
          scales += 64;
        }
        activationScales += 4;
        corrections += 4;
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }

  /**
   * The same with a minimum.
   *
   * @param minimaBegin address of 16 floats for each block
   * @param minimumScalesBegin address of what they are multiplied by, one float a block
   */
  static void scaleWithMinimum(
      long dotsBegin,
      int blocks,
      long scalesBegin,
      long minimaBegin,
      long activationScalesBegin,
      long minimumScalesBegin,
      long correctionsBegin,
      long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      long dots = dotsBegin + part;
      long scales = scalesBegin + part;
      long minima = minimaBegin + part;
      long corrections = correctionsBegin;
      long activationScales = activationScalesBegin;
      long minimumScales = minimumScalesBegin;
      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);
      for (long end = dots + 64L * blocks; dots != end; dots += 64) {
        IntVector dot =
            IntVector.fromMemorySegment(INTS, MEMORY, dots, LITTLE)
                .add(MEMORY.get(INT, corrections));
        acc =
            ((FloatVector) dot.convert(I2F, 0))
                .fma(
                    FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE)
                        .mul(MEMORY.get(FLOAT, activationScales)),
                    acc);
        acc =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, minima, LITTLE)
                .fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales)), acc);
        scales += 64;
        minima += 64;
        activationScales += 4;
        minimumScales += 4;
        corrections += 4;
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }
}
