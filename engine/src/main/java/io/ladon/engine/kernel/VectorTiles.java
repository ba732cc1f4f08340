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
 * tokens. The arithmetic is that of {@link VectorDots}, and so are the rules and the arguments; the
 * sums of the four tokens, 16 floats each, are {@code sumsStep} bytes apart.
 */
final class VectorTiles {

  /** Tokens of one tile. */
  static final int TOKENS = 4;

  private VectorTiles() {}

  /** Q4, Q5, and with two dots a block Q6: 16-bit sums over a whole dot. */
  static void narrow(
      long weightsBegin,
      int blocks,
      int dotsOfBlock,
      long scalesBegin,
      long minimaBegin,
      VectorActivations x,
      int token,
      int block,
      long sums,
      long sumsStep) {
    long pairsStep = x.pairsStep();
    long blocksStep = x.blocksStep();
    for (int part = 0; part < 64; part += BYTES) {
      long weights = weightsBegin + part;
      long scales = scalesBegin + part;
      long minima = minimaBegin + part;
      long pairs = x.pairs(token, block);
      long activationScales = x.scales(token, block);
      long minimumScales = x.minimumScales(token, block);
      long corrections = x.corrections(token, block);
      long sum = sums + part;
      FloatVector acc0 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum, LITTLE);
      FloatVector acc1 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + sumsStep, LITTLE);
      FloatVector acc2 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + 2 * sumsStep, LITTLE);
      FloatVector acc3 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + 3 * sumsStep, LITTLE);

      long dotBytes = 1024 / dotsOfBlock;
      for (long end = weights + 1024L * blocks; weights != end; ) {
        for (long blockEnd = weights + 1024; weights != blockEnd; ) {
          ShortVector dot0 = ShortVector.zero(SHORTS);
          ShortVector dot1 = ShortVector.zero(SHORTS);
          ShortVector dot2 = ShortVector.zero(SHORTS);
          ShortVector dot3 = ShortVector.zero(SHORTS);

          for (long dotEnd = weights + dotBytes; weights != dotEnd; weights += 64) {
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
            pairs += 4;
          }
          FloatVector scale = FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE);
          scales += 64;
          IntVector lanes0 = dot0.reinterpretAsInts();
          IntVector sum0 =
              lanes0
                  .lanewise(LSHL, 16)
                  .lanewise(ASHR, 16)
                  .add(lanes0.lanewise(ASHR, 16))
                  .add(MEMORY.get(INT, corrections));
          acc0 =
              ((FloatVector) sum0.convert(I2F, 0))
                  .fma(scale.mul(MEMORY.get(FLOAT, activationScales)), acc0);
          IntVector lanes1 = dot1.reinterpretAsInts();
          IntVector sum1 =
              lanes1
                  .lanewise(LSHL, 16)
                  .lanewise(ASHR, 16)
                  .add(lanes1.lanewise(ASHR, 16))
                  .add(MEMORY.get(INT, corrections + blocksStep));
          acc1 =
              ((FloatVector) sum1.convert(I2F, 0))
                  .fma(scale.mul(MEMORY.get(FLOAT, activationScales + blocksStep)), acc1);
          IntVector lanes2 = dot2.reinterpretAsInts();
          IntVector sum2 =
              lanes2
                  .lanewise(LSHL, 16)
                  .lanewise(ASHR, 16)
                  .add(lanes2.lanewise(ASHR, 16))
                  .add(MEMORY.get(INT, corrections + 2 * blocksStep));
          acc2 =
              ((FloatVector) sum2.convert(I2F, 0))
                  .fma(scale.mul(MEMORY.get(FLOAT, activationScales + 2 * blocksStep)), acc2);
          IntVector lanes3 = dot3.reinterpretAsInts();
          IntVector sum3 =
              lanes3
                  .lanewise(LSHL, 16)
                  .lanewise(ASHR, 16)
                  .add(lanes3.lanewise(ASHR, 16))
                  .add(MEMORY.get(INT, corrections + 3 * blocksStep));
          acc3 =
              ((FloatVector) sum3.convert(I2F, 0))
                  .fma(scale.mul(MEMORY.get(FLOAT, activationScales + 3 * blocksStep)), acc3);
        }
        if (minimaBegin != 0) {
          FloatVector minimum = FloatVector.fromMemorySegment(FLOATS, MEMORY, minima, LITTLE);
          acc0 = minimum.fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales)), acc0);
          acc1 =
              minimum.fma(
                  FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales + blocksStep)),
                  acc1);
          acc2 =
              minimum.fma(
                  FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales + 2 * blocksStep)),
                  acc2);
          acc3 =
              minimum.fma(
                  FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales + 3 * blocksStep)),
                  acc3);
        }
        minima += 64;
        activationScales += 4;
        minimumScales += 4;
        corrections += 4;
      }
      acc0.intoMemorySegment(MEMORY, sum, LITTLE);
      acc1.intoMemorySegment(MEMORY, sum + sumsStep, LITTLE);
      acc2.intoMemorySegment(MEMORY, sum + 2 * sumsStep, LITTLE);
      acc3.intoMemorySegment(MEMORY, sum + 3 * sumsStep, LITTLE);
    }
  }

  /** Q8_0: lanes are added in 32 bits after every two products. */
  static void wide(
      long weightsBegin,
      int blocks,
      long scalesBegin,
      VectorActivations x,
      int token,
      int block,
      long sums,
      long sumsStep) {
    long pairsStep = x.pairsStep();
    long blocksStep = x.blocksStep();
    for (int part = 0; part < 64; part += BYTES) {
      long weights = weightsBegin + part;
      long scales = scalesBegin + part;

      long pairs = x.pairs(token, block);
      long activationScales = x.scales(token, block);
      long sum = sums + part;
      FloatVector acc0 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum, LITTLE);
      FloatVector acc1 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + sumsStep, LITTLE);
      FloatVector acc2 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + 2 * sumsStep, LITTLE);
      FloatVector acc3 = FloatVector.fromMemorySegment(FLOATS, MEMORY, sum + 3 * sumsStep, LITTLE);

      for (long end = weights + 1024L * blocks; weights != end; ) {
        IntVector dot0 = IntVector.zero(INTS);
        IntVector dot1 = IntVector.zero(INTS);
        IntVector dot2 = IntVector.zero(INTS);
        IntVector dot3 = IntVector.zero(INTS);

        for (long blockEnd = weights + 1024; weights != blockEnd; weights += 128) {
          ShortVector even = ShortVector.fromMemorySegment(SHORTS, MEMORY, weights, LITTLE);
          ShortVector odd = ShortVector.fromMemorySegment(SHORTS, MEMORY, weights + 64, LITTLE);
          IntVector lanes0 =
              even.mul(IntVector.broadcast(INTS, MEMORY.get(INT, pairs)).reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          dot0 =
              dot0.add(lanes0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes0.lanewise(ASHR, 16)));
          IntVector lanes1 =
              even.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + pairsStep))
                          .reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + pairsStep + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          dot1 =
              dot1.add(lanes1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes1.lanewise(ASHR, 16)));
          IntVector lanes2 =
              even.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 2 * pairsStep))
                          .reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 2 * pairsStep + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          dot2 =
              dot2.add(lanes2.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes2.lanewise(ASHR, 16)));
          IntVector lanes3 =
              even.mul(
                      IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 3 * pairsStep))
                          .reinterpretAsShorts())
                  .add(
                      odd.mul(
                          IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 3 * pairsStep + 4))
                              .reinterpretAsShorts()))
                  .reinterpretAsInts();
          dot3 =
              dot3.add(lanes3.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes3.lanewise(ASHR, 16)));
          pairs += 8;
        }
        FloatVector scale = FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE);
        acc0 =
            ((FloatVector) dot0.convert(I2F, 0))
                .fma(scale.mul(MEMORY.get(FLOAT, activationScales)), acc0);
        acc1 =
            ((FloatVector) dot1.convert(I2F, 0))
                .fma(scale.mul(MEMORY.get(FLOAT, activationScales + blocksStep)), acc1);
        acc2 =
            ((FloatVector) dot2.convert(I2F, 0))
                .fma(scale.mul(MEMORY.get(FLOAT, activationScales + 2 * blocksStep)), acc2);
        acc3 =
            ((FloatVector) dot3.convert(I2F, 0))
                .fma(scale.mul(MEMORY.get(FLOAT, activationScales + 3 * blocksStep)), acc3);
        scales += 64;
        activationScales += 4;
      }
      acc0.intoMemorySegment(MEMORY, sum, LITTLE);
      acc1.intoMemorySegment(MEMORY, sum + sumsStep, LITTLE);
      acc2.intoMemorySegment(MEMORY, sum + 2 * sumsStep, LITTLE);
      acc3.intoMemorySegment(MEMORY, sum + 3 * sumsStep, LITTLE);
    }
  }
}
