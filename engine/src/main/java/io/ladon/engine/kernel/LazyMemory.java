package io.ladon.engine.kernel;

import io.ladon.engine.memory.SystemFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory whose pages become resident when they are first written; Java's own is zeroed at once, and
 * so is resident as a whole.
 */
public final class LazyMemory {

  private static final SystemFunction CALLOC = SystemFunction.find("calloc").orElseThrow();
  private static final SystemFunction FREE = SystemFunction.find("free").orElseThrow();

  private LazyMemory() {}

  /**
   * Allocates memory that is all zero, aligned as a {@link FloatTensor}.
   *
   * @param arena shared; whoever closes it frees the memory
   * @param bytes much more than a page, or nothing is gained
   * @throws OutOfMemoryError if the system refuses
   */
  @SuppressWarnings("restricted") // The module is started with native access enabled.
  public static MemorySegment allocate(Arena arena, long bytes) {
    long whole = Math.addExact(bytes, FloatTensor.ALIGNMENT);
    long address = CALLOC.call(1, whole).value();
    if (address == 0) {
      throw new OutOfMemoryError("the system refuses " + whole + " bytes");
    }
    MemorySegment owned =
        MemorySegment.ofAddress(address).reinterpret(whole, arena, LazyMemory::free);
    return owned.asSlice(-address & (FloatTensor.ALIGNMENT - 1), bytes);
  }

  private static void free(MemorySegment memory) {
    FREE.call(memory.address());
  }
}
