package io.ladon.engine.rank;

import io.ladon.engine.kernel.LazyMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory for a step's buffers, sized for the largest step: a page becomes resident when it is first
 * written, so small steps cost little. Phases that are never at work together may lie over each
 * other; nobody may count on zeros then.
 */
final class StepMemory implements Arena {

  private static final long SLAB = 64L << 20; // of addresses; far from what malloc keeps to itself

  private static final int SLAB_SHIFT = 48; // of a place: a slab, and bytes of it

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
    layOver(0);
  }

  /** The same, but what was allocated before a place is left as it is. */
  void layOver(long place) {
    slab = (int) (place >>> SLAB_SHIFT);
    used = place & ((1L << SLAB_SHIFT) - 1);
  }

  /** What is allocated from now on lies behind a place. */
  void goTo(long place) {
    layOver(Math.max(place, here()));
  }

  /** Place of what is allocated next. */
  long here() {
    return ((long) slab << SLAB_SHIFT) | used;
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
    slabs.add(LazyMemory.allocate(arena, Math.max(SLAB, bytes + alignment)));
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
}
