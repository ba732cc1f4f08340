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
import static jdk.incubator.vector.VectorOperators.LSHR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of one panel with one token, straight from the packed quants: what a decode step does,
 * which waits for memory.
 *
 * <p>Sixty-four bytes of quants are seen as 16-bit lanes, two for each row; masks and shifts part
 * them into the even and the odd columns, still in 16 bits. There they are multiplied with the
 * activations, which come parted alike, and added: 16 products of at most 16 * 127 fit, the 32
 * columns of a block in two lanes. Then the two lanes of a row are added in 32 bits.
 *
 * <p>Two rules keep the compiled code free of ballast, and both were measured. Each method is one
 * piece with its vectors in local variables: in methods of this size helpers are not inlined, and
 * vectors would go through the heap (5 times slower). And loops end where an address meets its end:
 * a counted loop over so few rounds spends more time on hoisted range checks than on its work (3
 * times slower).
 *
 * <p>Arguments: address of a tile's quants, and its blocks; its decoded scales and minima (0 for a
 * format without); the token, and the tile's first block within the row; {@code sums}, 16 floats
 * that are added to. Vectors narrower than 16 rows go through the tile once for each {@code part}.
 */
final class VectorDots {

  private VectorDots() {}

  /** Q4_0, whose corrections are -8 times the sums, or with minima Q4_1 and Q4_K. */
  static void bits4(
      long quantsBegin,
      int blocks,
      long scalesBegin,
      long minimaBegin,
      VectorActivations x,
      int token,
      int block,
      long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long scales = scalesBegin + part;
      long minima = minimaBegin + part;
      long pairs = x.pairs(token, block);
      long activationScales = x.scales(token, block);
      long minimumScales = x.minimumScales(token, block);
      long corrections = x.corrections(token, block);
      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);

      for (long end = quants + 256L * blocks; quants != end; ) {
        ShortVector dot = ShortVector.zero(SHORTS);
        for (long blockEnd = quants + 256; quants != blockEnd; quants += 64, pairs += 8) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          dot =
              dot.add(
                      w.and((short) 15)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 8)
                          .and((short) 15)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 4))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 4)
                          .and((short) 15)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 32))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 12)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 36))
                                  .reinterpretAsShorts()));
        }
        pairs += 32;
        IntVector lanes = dot.reinterpretAsInts();
        IntVector sum = lanes.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes.lanewise(ASHR, 16));
        if (minimaBegin == 0) {
          sum = sum.add(MEMORY.get(INT, corrections));
        }
        FloatVector scale =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE)
                .mul(MEMORY.get(FLOAT, activationScales));
        acc = ((FloatVector) sum.convert(I2F, 0)).fma(scale, acc);

        if (minimaBegin != 0) {
          acc =
              FloatVector.fromMemorySegment(FLOATS, MEMORY, minima, LITTLE)
                  .fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales)), acc);
        }
        scales += 64;
        minima += 64;
        activationScales += 4;
        minimumScales += 4;
        corrections += 4;
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }

  /**
   * Q5_0, or with minima and corrections of 16 times the sums Q5_1 and Q5_K. Quant - 16 fits the
   * 16-bit sums, and is nibble - 16 (1 - fifth bit). Bit g of each byte of the fifth bits belongs
   * to group g: they are shifted past bit 4 as the groups go by.
   */
  static void bits5(
      long quantsBegin,
      int blocks,
      long scalesBegin,
      long minimaBegin,
      VectorActivations x,
      int token,
      int block,
      long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long scales = scalesBegin + part;
      long minima = minimaBegin + part;
      long pairs = x.pairs(token, block);
      long activationScales = x.scales(token, block);
      long minimumScales = x.minimumScales(token, block);
      long corrections = x.corrections(token, block);
      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);

      for (long end = quants + 320L * blocks; quants != end; ) {
        ShortVector absent = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE).not();
        ShortVector dot = ShortVector.zero(SHORTS);
        quants += 64;
        for (long blockEnd = quants + 256; quants != blockEnd; quants += 64, pairs += 8) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          dot =
              dot.add(
                      w.and((short) 15)
                          .sub(absent.lanewise(LSHL, 4).and((short) 16))
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 8)
                          .and((short) 15)
                          .sub(absent.lanewise(LSHR, 4).and((short) 16))
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 4))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 4)
                          .and((short) 15)
                          .sub(absent.and((short) 16))
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 32))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 12)
                          .sub(absent.lanewise(LSHR, 8).and((short) 16))
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 36))
                                  .reinterpretAsShorts()));
          absent = absent.lanewise(LSHR, 1);
        }
        pairs += 32;
        IntVector lanes = dot.reinterpretAsInts();
        IntVector sum = lanes.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes.lanewise(ASHR, 16));
        if (minimaBegin != 0) {
          sum = sum.add(MEMORY.get(INT, corrections));
        }
        FloatVector scale =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE)
                .mul(MEMORY.get(FLOAT, activationScales));
        acc = ((FloatVector) sum.convert(I2F, 0)).fma(scale, acc);

        if (minimaBegin != 0) {
          acc =
              FloatVector.fromMemorySegment(FLOATS, MEMORY, minima, LITTLE)
                  .fma(FloatVector.broadcast(FLOATS, MEMORY.get(FLOAT, minimumScales)), acc);
        }
        scales += 64;
        minima += 64;
        activationScales += 4;
        minimumScales += 4;
        corrections += 4;
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }

  /** Q6_K: a dot for each half of a block, so that 8 products of at most 32 * 127 fit 16 bits. */
  static void bits6(
      long quantsBegin,
      int blocks,
      long scalesBegin,
      VectorActivations x,
      int token,
      int block,
      long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long scales = scalesBegin + part;

      long pairs = x.pairs(token, block);
      long activationScales = x.scales(token, block);

      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);

      for (long end = quants + 384L * blocks; quants != end; ) {
        ShortVector high0 = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
        ShortVector high1 = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants + 64, LITTLE);
        ShortVector dot0 = ShortVector.zero(SHORTS);
        ShortVector dot1 = ShortVector.zero(SHORTS);
        quants += 128;
        for (long blockEnd = quants + 256; quants != blockEnd; quants += 64, pairs += 8) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          dot0 =
              dot0.add(
                      w.and((short) 15)
                          .or(high0.lanewise(LSHL, 4).and((short) 48))
                          .sub((short) 32)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 8)
                          .and((short) 15)
                          .or(high0.lanewise(LSHR, 4).and((short) 48))
                          .sub((short) 32)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 4))
                                  .reinterpretAsShorts()));
          dot1 =
              dot1.add(
                      w.lanewise(LSHR, 4)
                          .and((short) 15)
                          .or(high1.lanewise(LSHL, 4).and((short) 48))
                          .sub((short) 32)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 32))
                                  .reinterpretAsShorts()))
                  .add(
                      w.lanewise(LSHR, 12)
                          .or(high1.lanewise(LSHR, 4).and((short) 48))
                          .sub((short) 32)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 36))
                                  .reinterpretAsShorts()));
          high0 = high0.lanewise(LSHR, 2);
          high1 = high1.lanewise(LSHR, 2);
        }
        pairs += 32;
        float activationScale = MEMORY.get(FLOAT, activationScales);
        IntVector lanes0 = dot0.reinterpretAsInts();
        IntVector sum0 =
            lanes0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes0.lanewise(ASHR, 16));
        FloatVector scale0 =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE).mul(activationScale);
        acc = ((FloatVector) sum0.convert(I2F, 0)).fma(scale0, acc);
        IntVector lanes1 = dot1.reinterpretAsInts();
        IntVector sum1 =
            lanes1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes1.lanewise(ASHR, 16));
        FloatVector scale1 =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, scales + 64, LITTLE).mul(activationScale);
        acc = ((FloatVector) sum1.convert(I2F, 0)).fma(scale1, acc);
        scales += 128;
        activationScales += 4;
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }

  /** Q8_0: two products of at most 128 * 127 fit 16 bits, so lanes are added in 32 at once. */
  static void bits8(
      long quantsBegin,
      int blocks,
      long scalesBegin,
      VectorActivations x,
      int token,
      int block,
      long sums) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long scales = scalesBegin + part;

      long pairs = x.pairs(token, block);
      long activationScales = x.scales(token, block);

      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, MEMORY, sums + part, LITTLE);

      for (long end = quants + 512L * blocks; quants != end; ) {
        IntVector sum = IntVector.zero(INTS);
        for (long blockEnd = quants + 512; quants != blockEnd; quants += 64, pairs += 8) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          IntVector lanes =
              w.lanewise(LSHL, 8)
                  .lanewise(ASHR, 8)
                  .mul(IntVector.broadcast(INTS, MEMORY.get(INT, pairs)).reinterpretAsShorts())
                  .add(
                      w.lanewise(ASHR, 8)
                          .mul(
                              IntVector.broadcast(INTS, MEMORY.get(INT, pairs + 4))
                                  .reinterpretAsShorts()))
                  .reinterpretAsInts();
          sum = sum.add(lanes.lanewise(LSHL, 16).lanewise(ASHR, 16).add(lanes.lanewise(ASHR, 16)));
        }
        FloatVector scale =
            FloatVector.fromMemorySegment(FLOATS, MEMORY, scales, LITTLE)
                .mul(MEMORY.get(FLOAT, activationScales));
        acc = ((FloatVector) sum.convert(I2F, 0)).fma(scale, acc);
        scales += 64;
        activationScales += 4;
      }
      acc.intoMemorySegment(MEMORY, sums + part, LITTLE);
    }
  }
}
