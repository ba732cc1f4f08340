package io.ladon.engine.rank;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory for a step's buffers, sized for the largest step: a page becomes resident when it is first
 * written, so small steps cost little. Phases that are never at work together may lie over each
 * other; nobody may count on zeros then.
 */
final class StepMemory implements Arena {

  private static final long SLAB = 64L << 20; // of addresses; far from what malloc keeps to itself
  private static final MethodHandle CALLOC;
  private static final MethodHandle FREE;

  static {
    ValueLayout.OfLong size = ValueLayout.JAVA_LONG;
    CALLOC = handle("calloc", FunctionDescriptor.of(ValueLayout.ADDRESS, size, size));
    FREE = handle("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
  }

  private final Arena arena;
  private final List<MemorySegment> slabs = new ArrayList<>();
  private int slab;
  private long used;

  /**
   * @param arena shared; whoever closes it frees the memory
   */
  StepMemory(Arena arena) {
    this.arena = arena;
  }

  /** What is allocated from now on lies over what was allocated before. */
  void layOver() {
    slab = 0;
    used = 0;
  }

  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    while (slab < slabs.size()) {
      MemorySegment current = slabs.get(slab);
      long free = current.address() + used;
      long begin = ((free + alignment - 1) & -alignment) - current.address();
      if (begin + bytes <= current.byteSize()) {
        used = begin + bytes;
        return current.asSlice(begin, bytes);
      }
      slab++;
      used = 0;
    }
    slabs.add(newSlab(Math.max(SLAB, bytes + alignment)));
    return allocate(bytes, alignment);
  }

  @Override
  public MemorySegment.Scope scope() {
    return arena.scope();
  }

  @Override
  public void close() {
    arena.close();
  }

  @SuppressWarnings("restricted") // The module is started with native access enabled.
  private MemorySegment newSlab(long bytes) {
    try {
      MemorySegment memory = (MemorySegment) CALLOC.invokeExact(1L, bytes);
      if (memory.equals(MemorySegment.NULL)) {
        throw new OutOfMemoryError("the system refuses " + bytes + " bytes for a step's buffers");
      }
      return memory.reinterpret(bytes, arena, StepMemory::free);
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

  @SuppressWarnings("restricted")
  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }
}
