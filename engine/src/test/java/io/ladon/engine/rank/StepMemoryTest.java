package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class StepMemoryTest {

  private static final long LARGE = 100L << 20; // more than is asked of the system at once

  @Test
  void laysPhasesOverEachOther() {
    try (Arena arena = Arena.ofShared()) {
      StepMemory memory = new StepMemory(arena);
      MemorySegment kept = memory.allocate(100, 64);
      MemorySegment other = memory.allocate(LARGE, 64);
      MemorySegment third = memory.allocate(10, 64);
      assertApart(kept, other);
      assertApart(other, third);
      assertApart(kept, third);
      memory.layOver();
      assertThat(memory.allocate(8, 64).address()).isEqualTo(kept.address());
      assertThat(memory.allocate(LARGE, 64).address()).isEqualTo(other.address());
    }
  }

  @Test
  void laysOverFromAPlaceOn() {
    try (Arena arena = Arena.ofShared()) {
      StepMemory memory = new StepMemory(arena);
      MemorySegment kept = memory.allocate(100, 64);
      long place = memory.here();
      MemorySegment first = memory.allocate(100, 64);
      MemorySegment large = memory.allocate(LARGE, 64);
      long end = memory.here();
      memory.layOver(place);
      assertThat(memory.allocate(50, 64).address()).isEqualTo(first.address());
      memory.goTo(end);
      MemorySegment behind = memory.allocate(50, 64);
      memory.goTo(place); // which it is past already
      MemorySegment last = memory.allocate(50, 64);
      for (MemorySegment other : new MemorySegment[] {kept, first, large}) {
        assertApart(behind, other);
        assertApart(last, other);
      }
      assertApart(behind, last);
    }
  }

  private static void assertApart(MemorySegment a, MemorySegment b) {
    assertThat(a.asOverlappingSlice(b)).isEmpty();
  }

  @Test
  void isAlignedAndZeroAndEndsWithItsArena() {
    MemorySegment last;
    try (Arena arena = Arena.ofShared()) {
      StepMemory memory = new StepMemory(arena);
      for (int bytes = 1; bytes < 1000; bytes += 37) {
        MemorySegment segment = memory.allocate(bytes, 64);
        assertThat(segment.address() % 64).isZero();
        assertThat(segment.byteSize()).isEqualTo(bytes);
        assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
      }
      last = memory.allocate(1, 64);
    }
    assertThatThrownBy(() -> last.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }
}
