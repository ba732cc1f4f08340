package io.ladon.engine.kernel;

import io.ladon.engine.memory.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shapes that this process computes with, and memory as vectors see it. All are
 * constants, as the compiler needs them to be; so the width is chosen once, by the CPU, or for
 * tests by the system property {@code ladon.vector.bits}: 128, 256 or 512.
 */
final class Simd {

  /** Bits of a vector. */
  static final int BITS = Integer.getInteger("ladon.vector.bits", preferredBits());

  /** Bytes of a vector. */
  static final int BYTES = BITS / 8;

  /** Float or int lanes of a vector: rows that it holds. */
  static final int ROWS = BITS / 32;

  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));
  static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorShape.forBitSize(BITS));
  static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(BITS));

  /** One 16-bit value for each row. */
  static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));

  /** At least one byte for each row. */
  static final VectorSpecies<Byte> QUARTERS =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, BITS / 4)));

  static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE);
  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);

  static final MemorySegment MEMORY = NativeMemory.ALL;

  private Simd() {}

  private static int preferredBits() {
    return Math.min(512, FloatVector.SPECIES_PREFERRED.vectorBitSize());
  }

  /** Whether the CPU has the width natively in all the types that kernels use. */
  static boolean supported() {
    return BITS >= 128
        && BITS <= FloatVector.SPECIES_PREFERRED.vectorBitSize()
        && BITS <= IntVector.SPECIES_PREFERRED.vectorBitSize()
        && BITS <= ShortVector.SPECIES_PREFERRED.vectorBitSize()
        && BITS <= ByteVector.SPECIES_PREFERRED.vectorBitSize();
  }
}
