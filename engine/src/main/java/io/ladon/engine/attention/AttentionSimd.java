package io.ladon.engine.attention;

import io.ladon.engine.memory.NativeMemory;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shapes of attention, constants as the compiler needs them to be, and how vectors are
 * read. The width is the CPU's, or for tests that of the system property {@code ladon.vector.bits}.
 */
final class AttentionSimd {

  static final int BITS =
      Integer.getInteger(
          "ladon.vector.bits", Math.min(512, FloatVector.SPECIES_PREFERRED.vectorBitSize()));

  /** Bytes of a vector. */
  static final int BYTES = BITS / 8;

  /** Floats of a vector; divides 16. */
  static final int L = BITS / 32;

  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(BITS));

  static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, VectorShape.forBitSize(BITS));
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));

  /** At least one byte for each float. */
  private static final VectorSpecies<Byte> QUARTERS =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, BITS / 4)));

  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

  private AttentionSimd() {}

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(FLOATS, NativeMemory.ALL, address, LITTLE);
  }

  static void store(FloatVector x, long address) {
    x.intoMemorySegment(NativeMemory.ALL, address, LITTLE);
  }

  /** The float at an address in all lanes. */
  static FloatVector broadcast(long address) {
    return FloatVector.broadcast(FLOATS, NativeMemory.getFloat(address));
  }

  /** Halves as floats: {@link Half#toFloat}. */
  static FloatVector loadHalves(long address) {
    IntVector wide =
        (IntVector)
            ShortVector.fromMemorySegment(HALVES, NativeMemory.ALL, address, LITTLE)
                .convertShape(VectorOperators.S2I, INTS, 0);
    return wide.lanewise(VectorOperators.LSHL, 13)
        .and(Half.MASK)
        .reinterpretAsFloats()
        .mul(Half.SCALE);
  }

  /** Bytes as floats. May read bytes behind those that it converts. */
  static FloatVector loadBytes(long address) {
    return (FloatVector)
        ByteVector.fromMemorySegment(QUARTERS, NativeMemory.ALL, address, LITTLE)
            .convertShape(VectorOperators.B2F, FLOATS, 0);
  }
}
