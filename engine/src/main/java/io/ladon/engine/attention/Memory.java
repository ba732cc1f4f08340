package io.ladon.engine.attention;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * All of memory: kernels address it by number. Bounds are checked by whoever hands out an address,
 * and the compiler sees one kind of segment everywhere.
 */
final class Memory {

  static final MemorySegment ALL = all();

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private Memory() {}

  static float get(long address) {
    return ALL.get(FLOAT, address);
  }

  static void set(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  @SuppressWarnings("restricted") // The module is started with native access enabled.
  private static MemorySegment all() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }
}
