package io.ladon.engine.kernel;

import io.ladon.engine.memory.SystemFunction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Memory for weights: off heap, in slabs that start at a huge page and ask the system for huge
 * pages, which save the CPU most of its address translations while it streams through them. A page
 * becomes resident when it is first written, a huge one as a whole: so what is small goes where a
 * slab had no room for something large. Zeroed; freed with the arena; for many threads.
 */
public final class SlabAllocator implements SegmentAllocator {

  private static final long HUGE_PAGE = 2L << 20;
  private static final long SLAB = 64L << 20;

  // mmap(2), madvise(2): the numbers of Linux on every architecture that a JDK 25 runs on.
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
  private static final int MADV_HUGEPAGE = 14;
  private static final long MAP_FAILED = -1;

  private static final @Nullable Calls CALLS = Calls.find();

  private final Arena arena;
  private final List<Slab> slabs = new ArrayList<>();

  /**
   * @param arena shared; whoever closes it frees the memory
   */
  public SlabAllocator(Arena arena) {
    this.arena = arena;
  }

  @Override
  public synchronized MemorySegment allocate(long bytes, long alignment) {
    if (bytes < 0 || alignment < 1 || alignment > HUGE_PAGE || Long.bitCount(alignment) != 1) {
      throw new IllegalArgumentException(bytes + " bytes aligned to " + alignment);
    }
    for (Slab slab : slabs) {
      if (slab.hasRoom(bytes, alignment)) {
        return slab.take(bytes, alignment);
      }
    }
    Slab slab = new Slab(map(Math.max(SLAB, (bytes + HUGE_PAGE - 1) & -HUGE_PAGE)));
    slabs.add(slab);
    return slab.take(bytes, alignment);
  }

  private MemorySegment map(long bytes) {
    Calls calls = CALLS;
    if (calls == null) {
      return arena.allocate(bytes, HUGE_PAGE);
    }
    return calls.map(arena, bytes);
  }

  /** Memory that starts at a huge page, filled from its beginning on. */
  private static final class Slab {

    private final MemorySegment memory;
    private long used;

    Slab(MemorySegment memory) {
      this.memory = memory;
    }

    boolean hasRoom(long bytes, long alignment) {
      return begin(alignment) + bytes <= memory.byteSize();
    }

    MemorySegment take(long bytes, long alignment) {
      long begin = begin(alignment);
      used = begin + bytes;
      return memory.asSlice(begin, bytes);
    }

    private long begin(long alignment) {
      return (used + alignment - 1) & -alignment;
    }
  }

  /** The system's calls, where it has them. */
  private record Calls(SystemFunction mmap, SystemFunction madvise, SystemFunction munmap) {

    static @Nullable Calls find() {
      if (!System.getProperty("os.name").equals("Linux")) {
        return null;
      }
      Optional<SystemFunction> mmap = SystemFunction.find("mmap");
      Optional<SystemFunction> madvise = SystemFunction.find("madvise");
      Optional<SystemFunction> munmap = SystemFunction.find("munmap");
      return mmap.isEmpty() || madvise.isEmpty() || munmap.isEmpty()
          ? null
          : new Calls(mmap.get(), madvise.get(), munmap.get());
    }

    @SuppressWarnings("restricted") // The module is started with native access enabled.
    MemorySegment map(Arena arena, long bytes) {
      long mapped = bytes + HUGE_PAGE; // room to begin at a huge page
      long address = mmap.call(0, mapped, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0).value();
      if (address == MAP_FAILED) {
        throw new OutOfMemoryError("the system refuses " + bytes + " bytes for weights");
      }
      long begin = (address + HUGE_PAGE - 1) & -HUGE_PAGE;
      // Refused where the kernel has no huge pages; ordinary ones do then.
      madvise.call(begin, bytes, MADV_HUGEPAGE);
      return MemorySegment.ofAddress(begin).reinterpret(bytes, arena, _ -> unmap(address, mapped));
    }

    private void unmap(long address, long bytes) {
      int result = munmap.call(address, bytes).number();
      assert result == 0 : "munmap of " + bytes + " bytes";
    }
  }
}
