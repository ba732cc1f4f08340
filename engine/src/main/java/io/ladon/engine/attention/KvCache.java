package io.ladon.engine.attention;

import io.ladon.engine.kernel.LazyMemory;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.RankPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Keys and values of one rank's KV heads, in blocks of {@value #BLOCK} positions. The coordinator
 * hands out block numbers; each rank keeps its heads' part of every block.
 *
 * <p>Of each (layer, KV head): keys of all blocks, each as (head size, 16 positions), so that
 * positions stand side by side in a vector, with their scales if the type has any, (groups, 16
 * positions); then values of all blocks, each as (16 positions, head size), and their scales, (16
 * positions, groups). So blocks of neighbouring numbers are read in one sweep.
 *
 * <p>Blocks are not cleared: whoever reads must know which positions were written.
 */
public final class KvCache implements AutoCloseable {

  /** Positions of one block. */
  public static final int BLOCK = 16;

  /** Bytes behind the last block: vectors may be longer than a head. */
  private static final int SLACK = 256;

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
    this.segment = LazyMemory.allocate(arena, blocks * bytesPerBlock(spec, plan, type) + SLACK);
  }

  /** Bytes that one block costs a rank, all layers and its KV heads together. */
  public static long bytesPerBlock(ModelSpec spec, RankPlan plan, KvType type) {
    return 2L * spec.layers() * plan.kvHeads().size() * type.blockBytes(spec.headSize());
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

  /** Address of a block's keys, (head size, 16 positions). */
  long keys(int layer, int kvHead, int block) {
    return segment.address() + keysOffset(layer, kvHead, block);
  }

  /** Address of a block's values, (16 positions, head size). */
  long values(int layer, int kvHead, int block) {
    return keys(layer, kvHead, block) + valuesOffset();
  }

  /** Bytes from a block's keys to its values. */
  private long valuesOffset() {
    return blocks * type.blockBytes(headSize);
  }

  /** Bytes from the start of a block's keys, or values, to their scales. */
  long scalesOffset() {
    return (long) BLOCK * headSize * type.bytes();
  }

  private long keysOffset(int layer, int kvHead, int block) {
    return (((long) layer * kvHeads + kvHead) * 2 * blocks + block) * type.blockBytes(headSize);
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
    long keys = keysOffset(layer, kvHead, block);
    long values = keys + valuesOffset();
    if (type == KvType.Q8) {
      int groups = type.scales(headSize);
      for (int g = 0; g < groups; g++) {
        quantize(key, keyOffset, keys, g, slot, BLOCK, g * BLOCK + slot);
        quantize(value, valueOffset, values, g, slot * headSize, 1, slot * groups + g);
      }
      return;
    }
    long toKey = keys / type.bytes() + slot;
    long toValue = values / type.bytes() + (long) slot * headSize;
    for (int d = 0; d < headSize; d++) {
      set(toKey + (long) d * BLOCK, key.getAtIndex(ValueLayout.JAVA_FLOAT, keyOffset + d));
      set(toValue + d, value.getAtIndex(ValueLayout.JAVA_FLOAT, valueOffset + d));
    }
  }

  /** One element of a key as it is read back; slow. */
  float key(int layer, int kvHead, int block, int slot, int d) {
    return get(keysOffset(layer, kvHead, block), d * BLOCK + slot, d / KvType.GROUP * BLOCK + slot);
  }

  /** One element of a value as it is read back; slow. */
  float value(int layer, int kvHead, int block, int slot, int d) {
    return get(
        keysOffset(layer, kvHead, block) + valuesOffset(),
        slot * headSize + d,
        slot * type.scales(headSize) + d / KvType.GROUP);
  }

  private float get(long block, int element, int scale) {
    return switch (type) {
      case F32 -> segment.get(ValueLayout.JAVA_FLOAT, block + 4L * element);
      case F16 -> Half.toFloat(segment.get(ValueLayout.JAVA_SHORT, block + 2L * element));
      case Q8 ->
          segment.get(ValueLayout.JAVA_BYTE, block + element)
              * segment.get(ValueLayout.JAVA_FLOAT, block + scalesOffset() + 4L * scale);
    };
  }

  private void set(long element, float x) {
    if (type == KvType.F32) {
      segment.setAtIndex(ValueLayout.JAVA_FLOAT, element, x);
    } else {
      segment.setAtIndex(ValueLayout.JAVA_SHORT, element, Half.of(x));
    }
  }

  /**
   * Quantises a group. Its scale is 0 where there is nothing to scale, and NaN where there is NaN.
   *
   * @param block offset of the block's keys or values
   * @param element place of the head's first quant among them
   * @param stride quants from one element of the head to the next
   * @param scaleIndex place of the scale among the block's
   */
  private void quantize(
      MemorySegment x,
      long offset,
      long block,
      int group,
      int element,
      int stride,
      int scaleIndex) {
    int begin = group * KvType.GROUP;
    int end = Math.min(headSize, begin + KvType.GROUP);
    float largest = 0f;
    for (int d = begin; d < end; d++) {
      largest = Math.max(largest, Math.abs(x.getAtIndex(ValueLayout.JAVA_FLOAT, offset + d)));
    }
    float scale = largest / 127f;
    segment.set(ValueLayout.JAVA_FLOAT, block + scalesOffset() + 4L * scaleIndex, scale);
    for (int d = begin; d < end; d++) {
      float quant = x.getAtIndex(ValueLayout.JAVA_FLOAT, offset + d) / scale;
      // NaN becomes 0; a scale that lost bits to underflow could give more than 127.
      long rounded = Math.clamp((long) Math.rint((double) quant), -127L, 127L);
      segment.set(ValueLayout.JAVA_BYTE, block + element + (long) d * stride, (byte) rounded);
    }
  }

  /** Sets every bit of every block: with NaN it shows that nothing unwritten is ever read. */
  public void poison() {
    segment.fill((byte) 0xff);
  }

  /** Frees the memory. Idempotent. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
