package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.RankPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Keys and values of one rank's KV heads, in blocks of {@value #BLOCK} positions. The coordinator
 * hands out block numbers; each rank keeps its heads' part of every block.
 *
 * <p>Of each (layer, KV head, block): keys as (head size, 16 positions), so that positions stand
 * side by side in a vector, then values as (16 positions, head size).
 *
 * <p>Blocks are not cleared: whoever reads must know which positions were written.
 */
public final class KvCache implements AutoCloseable {

  /** Positions of one block. */
  public static final int BLOCK = 16;

  private final KvType type;
  private final int kvHeads;
  private final int headSize;
  private final int blocks;
  private final int firstHead;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;

  /**
   * Allocates a rank's cache.
   *
   * @param blocks blocks of every layer and head
   */
  public KvCache(ModelSpec spec, RankPlan plan, int blocks, KvType type) {
    this.type = type;
    this.kvHeads = plan.kvHeads().size();
    this.firstHead = plan.kvHeads().begin();
    this.headSize = spec.headSize();
    this.blocks = blocks;
    this.segment =
        arena.allocate(
            Math.max(1, blocks * bytesPerBlock(spec, plan, type)), FloatTensor.ALIGNMENT);
  }

  /** Bytes that one block costs a rank, all layers and its KV heads together. */
  public static long bytesPerBlock(ModelSpec spec, RankPlan plan, KvType type) {
    return 2L * spec.layers() * plan.kvHeads().size() * BLOCK * spec.headSize() * type.bytes();
  }

  public KvType type() {
    return type;
  }

  /** Blocks of every layer and head. */
  public int blocks() {
    return blocks;
  }

  /** KV heads of this rank. */
  public int kvHeads() {
    return kvHeads;
  }

  /** The model's number of this rank's first KV head. */
  public int firstHead() {
    return firstHead;
  }

  public int headSize() {
    return headSize;
  }

  /** All blocks, of elements of {@link #type()}. */
  MemorySegment segment() {
    return segment;
  }

  /** Element offset of a block's keys, (head size, 16 positions). */
  long keys(int layer, int kvHead, int block) {
    return (((long) layer * kvHeads + kvHead) * blocks + block) * 2 * BLOCK * headSize;
  }

  /** Element offset of a block's values, (16 positions, head size). */
  long values(int layer, int kvHead, int block) {
    return keys(layer, kvHead, block) + (long) BLOCK * headSize;
  }

  /**
   * Stores one position's key and value of one head.
   *
   * @param kvHead among this rank's
   * @param slot position within the block
   * @param key head size elements from {@code keyOffset} (in elements)
   * @param value head size elements from {@code valueOffset}
   */
  public void store(
      int layer,
      int kvHead,
      int block,
      int slot,
      MemorySegment key,
      long keyOffset,
      MemorySegment value,
      long valueOffset) {
    long toKey = keys(layer, kvHead, block) + slot;
    long toValue = values(layer, kvHead, block) + (long) slot * headSize;
    if (type == KvType.F32) {
      for (int d = 0; d < headSize; d++) {
        segment.setAtIndex(
            ValueLayout.JAVA_FLOAT,
            toKey + (long) d * BLOCK,
            key.getAtIndex(ValueLayout.JAVA_FLOAT, keyOffset + d));
      }
      MemorySegment.copy(value, valueOffset * 4, segment, toValue * 4, headSize * 4L);
      return;
    }
    for (int d = 0; d < headSize; d++) {
      segment.setAtIndex(
          ValueLayout.JAVA_SHORT,
          toKey + (long) d * BLOCK,
          Float.floatToFloat16(key.getAtIndex(ValueLayout.JAVA_FLOAT, keyOffset + d)));
      segment.setAtIndex(
          ValueLayout.JAVA_SHORT,
          toValue + d,
          Float.floatToFloat16(value.getAtIndex(ValueLayout.JAVA_FLOAT, valueOffset + d)));
    }
  }

  /** Sets every element of every block. With NaN it shows that nothing unwritten is ever read. */
  public void fill(float value) {
    if (type == KvType.F32) {
      for (long i = 0; i < segment.byteSize() / 4; i++) {
        segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
      }
    } else {
      short half = Float.floatToFloat16(value);
      for (long i = 0; i < segment.byteSize() / 2; i++) {
        segment.setAtIndex(ValueLayout.JAVA_SHORT, i, half);
      }
    }
  }

  /** Frees the memory. Idempotent. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
