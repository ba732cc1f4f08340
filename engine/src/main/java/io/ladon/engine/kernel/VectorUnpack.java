package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.BYTES;
import static io.ladon.engine.kernel.Simd.LITTLE;
import static io.ladon.engine.kernel.Simd.MEMORY;
import static io.ladon.engine.kernel.Simd.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import io.ladon.engine.checkpoint.TensorType;
import jdk.incubator.vector.ShortVector;

/**
 * Unpacks quants to 16 bits, once for many tokens: 16 rows x 2 columns in 64 bytes, 1024 bytes a
 * block: for each four columns first the even ones, then the odd ones.
 */
final class VectorUnpack {

  private VectorUnpack() {}

  /** Unpacks some blocks of one tile as they are used in sums: less 16 in Q5, less 32 in Q6. */
  static void unpack(TensorType type, long quants, int blocks, long target) {
    switch (type) {
      case Q4_0, Q4_1, Q4_K -> bits4(quants, blocks, target);
      case Q5_0, Q5_1, Q5_K -> bits5(quants, blocks, target);
      case Q6_K -> bits6(quants, blocks, target);
      case Q8_0 -> bits8(quants, blocks, target);
      case F32, F16, BF16 -> throw new IllegalArgumentException(type + " has no quants");
    }
  }

  private static void bits4(long quantsBegin, int blocks, long targetBegin) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long target = targetBegin + part;
      for (long end = quants + 256L * blocks; quants != end; ) {

        for (long blockEnd = quants + 256; quants != blockEnd; quants += 64, target += 128) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          w.and((short) 15).intoMemorySegment(MEMORY, target + 0, LITTLE);
          w.lanewise(LSHR, 8).and((short) 15).intoMemorySegment(MEMORY, target + 64, LITTLE);
          w.lanewise(LSHR, 4).and((short) 15).intoMemorySegment(MEMORY, target + 512, LITTLE);
          w.lanewise(LSHR, 12).intoMemorySegment(MEMORY, target + 576, LITTLE);
        }
        target += 512;
      }
    }
  }

  private static void bits5(long quantsBegin, int blocks, long targetBegin) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long target = targetBegin + part;
      for (long end = quants + 320L * blocks; quants != end; ) {

        ShortVector absent = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE).not();
        quants += 64;
        for (long blockEnd = quants + 256; quants != blockEnd; quants += 64, target += 128) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          w.and((short) 15)
              .sub(absent.lanewise(LSHL, 4).and((short) 16))
              .intoMemorySegment(MEMORY, target + 0, LITTLE);
          w.lanewise(LSHR, 8)
              .and((short) 15)
              .sub(absent.lanewise(LSHR, 4).and((short) 16))
              .intoMemorySegment(MEMORY, target + 64, LITTLE);
          w.lanewise(LSHR, 4)
              .and((short) 15)
              .sub(absent.and((short) 16))
              .intoMemorySegment(MEMORY, target + 512, LITTLE);
          w.lanewise(LSHR, 12)
              .sub(absent.lanewise(LSHR, 8).and((short) 16))
              .intoMemorySegment(MEMORY, target + 576, LITTLE);
          absent = absent.lanewise(LSHR, 1);
        }
        target += 512;
      }
    }
  }

  private static void bits6(long quantsBegin, int blocks, long targetBegin) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long target = targetBegin + part;
      for (long end = quants + 384L * blocks; quants != end; ) {

        ShortVector high0 = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
        ShortVector high1 = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants + 64, LITTLE);
        quants += 128;
        for (long blockEnd = quants + 256; quants != blockEnd; quants += 64, target += 128) {
          ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
          w.and((short) 15)
              .or(high0.lanewise(LSHL, 4).and((short) 48))
              .sub((short) 32)
              .intoMemorySegment(MEMORY, target + 0, LITTLE);
          w.lanewise(LSHR, 8)
              .and((short) 15)
              .or(high0.lanewise(LSHR, 4).and((short) 48))
              .sub((short) 32)
              .intoMemorySegment(MEMORY, target + 64, LITTLE);
          w.lanewise(LSHR, 4)
              .and((short) 15)
              .or(high1.lanewise(LSHL, 4).and((short) 48))
              .sub((short) 32)
              .intoMemorySegment(MEMORY, target + 512, LITTLE);
          w.lanewise(LSHR, 12)
              .or(high1.lanewise(LSHR, 4).and((short) 48))
              .sub((short) 32)
              .intoMemorySegment(MEMORY, target + 576, LITTLE);
          high0 = high0.lanewise(LSHR, 2);
          high1 = high1.lanewise(LSHR, 2);
        }
        target += 512;
      }
    }
  }

  private static void bits8(long quantsBegin, int blocks, long targetBegin) {
    for (int part = 0; part < 64; part += BYTES) {
      long quants = quantsBegin + part;
      long target = targetBegin + part;
      for (long end = quants + 512L * blocks; quants != end; ) {

        ShortVector w = ShortVector.fromMemorySegment(SHORTS, MEMORY, quants, LITTLE);
        w.lanewise(LSHL, 8).lanewise(ASHR, 8).intoMemorySegment(MEMORY, target + 0, LITTLE);
        w.lanewise(ASHR, 8).intoMemorySegment(MEMORY, target + 64, LITTLE);
        quants += 64;
        target += 128;
      }
    }
  }
}
