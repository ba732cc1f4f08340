package io.ladon.engine.rank;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Keeps packed weights from one load of a shard to the next. A shelf is of one rank of one plan;
 * tensors are packed by several threads at once.
 */
public interface PackedShelf {

  /** Keeps nothing. */
  PackedShelf NONE =
      new PackedShelf() {
        @Override
        public boolean take(String tensor, MemorySegment packed) {
          return false;
        }

        @Override
        public void put(String tensor, MemorySegment packed) {
          // Nobody will ask for it.
        }
      };

  /**
   * Fills memory with what was put under a tensor's name.
   *
   * @return whether there was something
   * @throws IOException if what is there is not what was put; nothing on this shelf is of use then
   */
  boolean take(String tensor, MemorySegment packed) throws IOException;

  /** Keeps a copy. A shelf that cannot, keeps nothing, which is no error. */
  void put(String tensor, MemorySegment packed);
}
