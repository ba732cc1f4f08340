package io.ladon.coordinator.schedule;

import java.util.BitSet;

/**
 * Hands out numbers of KV blocks. Block 0 is never handed out: probe steps write to it.
 *
 * <p>Not safe for use by several threads.
 */
public final class BlockPool {

  /** The block of the steps that nobody asked for. */
  public static final int PRACTICE_BLOCK = 0;

  private final int blocks;
  private final int[] free; // a stack: the last freed is handed out first
  private final BitSet used = new BitSet();
  private int freeCount;

  /**
   * @param blocks that can be had: numbers 1 .. blocks
   */
  public BlockPool(int blocks) {
    if (blocks < 1) {
      throw new IllegalArgumentException("a pool of " + blocks + " KV blocks");
    }
    this.blocks = blocks;
    this.free = new int[blocks];
    this.freeCount = blocks;
    for (int i = 0; i < blocks; i++) {
      free[i] = blocks - i;
    }
  }

  /** Blocks that can be had in all. */
  public int size() {
    return blocks;
  }

  /** Blocks that nobody holds. */
  public int free() {
    return freeCount;
  }

  /** Takes some blocks, of which there must be as many. */
  public int[] take(int count) {
    if (count > freeCount) {
      throw new IllegalStateException(
          "%d KV blocks wanted, %d of %d are free".formatted(count, freeCount, blocks));
    }
    int[] taken = new int[count];
    for (int i = 0; i < count; i++) {
      taken[i] = free[--freeCount];
      used.set(taken[i]);
    }
    return taken;
  }

  /** Gives blocks back, each of which must have been taken. */
  public void release(int[] taken) {
    for (int block : taken) {
      if (!used.get(block)) {
        throw new IllegalStateException("KV block " + block + " is given back, but not in use");
      }
      used.clear(block);
      free[freeCount++] = block;
    }
  }
}
