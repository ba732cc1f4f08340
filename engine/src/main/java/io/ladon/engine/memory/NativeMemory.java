package io.ladon.engine.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * All of memory, little endian: kernels address it by number, as machine code does. Bounds are
 * checked once, by whoever takes an address ({@link #address}), and the compiler sees one kind of
 * segment everywhere.
 */
public final class NativeMemory {

  public static final MemorySegment ALL = all();

  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE);

  private NativeMemory() {}

  public static float getFloat(long address) {
    return ALL.get(FLOAT, address);
  }

  public static void setFloat(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  public static void setInt(long address, int value) {
    ALL.set(INT, address, value);
  }

  public static long getLong(long address) {
    return ALL.get(LONG, address);
  }

  public static void setLong(long address, long value) {
    ALL.set(LONG, address, value);
  }

  /**
   * Address of some bytes of a segment.
   *
   * @throws IllegalArgumentException if the segment is on the heap
   * @throws IndexOutOfBoundsException if it does not have so many bytes there
   */
  public static long address(MemorySegment segment, long offset, long bytes) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("kernels need memory off heap, not " + segment);
    }
    Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
    return segment.address() + offset;
  }

  /** The same of some floats or ints, counted in these. */
  public static long floats(MemorySegment segment, long index, long count) {
    return address(segment, 4 * index, 4 * count);
  }

  @SuppressWarnings("restricted") // The module is started with native access enabled.
  private static MemorySegment all() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }
}
