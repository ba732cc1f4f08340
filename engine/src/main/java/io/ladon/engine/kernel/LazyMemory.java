package io.ladon.engine.kernel;

import io.ladon.engine.memory.SystemFunctions;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Memory whose pages become resident when they are first written; Java's own is zeroed at once, and
 * so is resident as a whole.
 */
public final class LazyMemory {

  private static final MethodHandle CALLOC;
  private static final MethodHandle FREE;

  static {
    ValueLayout.OfLong size = ValueLayout.JAVA_LONG;
    CALLOC =
        SystemFunctions.find("calloc", FunctionDescriptor.of(ValueLayout.ADDRESS, size, size))
            .orElseThrow();
    FREE =
        SystemFunctions.find("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS)).orElseThrow();
  }

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
    try {
      MemorySegment memory = (MemorySegment) CALLOC.invokeExact(1L, whole);
      if (memory.equals(MemorySegment.NULL)) {
        throw new OutOfMemoryError("the system refuses " + whole + " bytes");
      }
      MemorySegment owned = memory.reinterpret(whole, arena, LazyMemory::free);
      return owned.asSlice(-memory.address() & (FloatTensor.ALIGNMENT - 1), bytes);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static void free(MemorySegment memory) {
    try {
      FREE.invokeExact(memory);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
