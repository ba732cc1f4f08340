package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.MachineKernels;
import io.ladon.engine.kernel.ScalarKernels;
import io.ladon.engine.memory.NativeMemory;
import io.ladon.engine.plan.RankPlan;
import java.lang.foreign.Arena;

/**
 * Attention of one rank's heads over its KV cache. May be called from several threads at once, each
 * with its own number.
 *
 * <p>The work on one KV head's group for some tokens is done at once with {@link #attend}; or for
 * one token in parts, of {@value #PART} positions each, by any threads ({@link #attendPart}), and
 * then merged ({@link #merge}), which gives the same bits.
 */
public final class Attention {

  /** Positions of a part. */
  public static final int PART = AttentionTask.PART_TILES * AttentionTask.TILE;

  /** Rows, that is heads of tokens, that go over a tile together. */
  private static final int ROWS = 32;

  private static final int[] NO_BLOCKS = {};

  private final KvCache cache;
  private final int headSize;
  private final int groupSize;
  private final int firstQueryHead;
  private final int queryHeads;
  private final AttentionKernel kernel;
  private final AttentionTask[] tasks; // by thread
  private final int slots;
  private final long slotBytes;
  private final long parts; // address of (slot, heads of a group) states

  /**
   * @param arena of the scratch space
   * @param kernels whose tier the attention kernel follows
   * @param groupSize query heads that share a KV head
   * @param threads that may call at once
   * @param slots parts that are kept until they are merged; 0 where all work is done at once
   */
  public Attention(
      Arena arena,
      KvCache cache,
      RankPlan plan,
      Kernels kernels,
      int groupSize,
      int threads,
      int slots) {
    this(
        arena,
        cache,
        kernelOf(kernels, cache),
        groupSize,
        plan.queryHeads().begin(),
        plan.queryHeads().size(),
        threads,
        slots);
  }

  Attention(
      Arena arena,
      KvCache cache,
      AttentionKernel kernel,
      int groupSize,
      int firstQueryHead,
      int queryHeads,
      int threads,
      int slots) {
    this.cache = cache;
    this.kernel = kernel;
    this.headSize = cache.headSize();
    this.groupSize = groupSize;
    this.firstQueryHead = firstQueryHead;
    this.queryHeads = queryHeads;
    this.tasks = new AttentionTask[threads];
    for (int i = 0; i < threads; i++) {
      tasks[i] = new AttentionTask(arena, headSize, Math.max(ROWS, groupSize), cache.blocks());
    }
    this.slots = slots;
    this.slotBytes =
        AttentionTask.roundUp(groupSize, AttentionTask.TOGETHER)
            * AttentionTask.stateBytes(headSize);
    this.parts = arena.allocate(slots * slotBytes, FloatTensor.ALIGNMENT).address();
  }

  /** The part that a position is in. */
  public static int part(int position) {
    return position / PART;
  }

  /** Tokens of one sequence that are best attended together, at most. */
  public int tokensTogether() {
    return Math.max(1, ROWS / groupSize);
  }

  /** Parts that are kept until they are merged. */
  public int slots() {
    return slots;
  }

  /**
   * Attends the query heads of one group for consecutive tokens of one sequence.
   *
   * @param kvHead among this rank's
   * @param blocks of the sequence
   * @param position of the first token
   * @param row of the first token in {@code queries} and {@code out}
   * @param tokens at most {@link #tokensTogether()}
   * @param window positions a token sees, itself included; 0 for all
   * @param queries (tokens, this rank's heads * head size), rotated and scaled
   * @param outBase column in {@code out} of this rank's first head
   */
  public void attend(
      int thread,
      int layer,
      int kvHead,
      int[] blocks,
      int position,
      int row,
      int tokens,
      int window,
      FloatTensor queries,
      FloatTensor out,
      int outBase) {
    AttentionTask task = task(thread, layer, kvHead, blocks, position, tokens, window);
    int column = firstHead(kvHead) * headSize;
    kernel.attend(cache, task, queries, row, column, out, outBase + column);
  }

  /**
   * Attends the query heads of one group for one token, but only one part of the positions.
   *
   * @param part see {@link #part}; the token must see some position of it
   * @param slot where the result is kept
   */
  public void attendPart(
      int thread,
      int layer,
      int kvHead,
      int[] blocks,
      int position,
      int row,
      int window,
      FloatTensor queries,
      int part,
      int slot) {
    AttentionTask task = task(thread, layer, kvHead, blocks, position, 1, window);
    int column = firstHead(kvHead) * headSize;
    kernel.attendPart(cache, task, queries, row, column, part, parts + slot * slotBytes);
  }

  /**
   * Merges the parts of one token in their order.
   *
   * @param firstSlot slot of the first part that the token sees; the others follow it
   * @param count parts
   */
  public void merge(
      int thread, int kvHead, int row, int firstSlot, int count, FloatTensor out, int outBase) {
    AttentionTask task = task(thread, 0, kvHead, NO_BLOCKS, 0, 1, 0);
    for (int part = 0; part < count; part++) {
      for (int head = 0; head < task.heads; head++) {
        long state = parts + (firstSlot + part) * slotBytes + head * task.stateStride;
        kernel.add(task, state, head, part == 0);
      }
    }
    kernel.write(task, out, row, outBase + firstHead(kvHead) * headSize);
  }

  /**
   * Rotates the heads of tokens at consecutive positions in place, see {@link RopeTable}.
   *
   * @param x (tokens, heads * head size)
   * @param row of the first token
   * @param position of the first token
   */
  public void rotate(RopeTable rope, FloatTensor x, int row, int tokens, int position) {
    int heads = x.columns() / headSize;
    if (heads > 0) {
      long address =
          NativeMemory.floats(x.segment(), (long) row * x.columns(), (long) tokens * x.columns());
      kernel.rotate(rope, address, heads, headSize, position, tokens);
    }
  }

  /**
   * Stores keys and values of consecutive positions of one block, of all of this rank's KV heads.
   *
   * @param slot of the first position in the block
   * @param keys (tokens, KV heads * head size), rotated
   * @param values the same
   * @param row of the first position's token
   */
  public void store(
      int layer,
      int block,
      int slot,
      int positions,
      FloatTensor keys,
      FloatTensor values,
      int row) {
    long step = 4L * keys.columns();
    long floats = (positions - 1L) * keys.columns() + headSize;
    long elementBytes = cache.type().bytes();
    for (int head = 0; head < cache.kvHeads(); head++) {
      long first = (long) row * keys.columns() + (long) head * headSize;
      if (!kernel.store(
          NativeMemory.floats(keys.segment(), first, floats),
          NativeMemory.floats(values.segment(), first, floats),
          cache.keys(layer, head, block) + slot * elementBytes,
          cache.values(layer, head, block) + (long) slot * headSize * elementBytes,
          positions,
          step)) {
        for (int i = 0; i < positions; i++) {
          long at = first + (long) i * keys.columns();
          cache.store(layer, head, block, slot + i, keys.segment(), at, values.segment(), at);
        }
      }
    }
  }

  /** First query head of a KV head's group, among this rank's. */
  private int firstHead(int kvHead) {
    return Math.max(0, (cache.firstHead() + kvHead) * groupSize - firstQueryHead);
  }

  private AttentionTask task(
      int thread, int layer, int kvHead, int[] blocks, int position, int tokens, int window) {
    int headEnd = (cache.firstHead() + kvHead + 1) * groupSize - firstQueryHead;
    AttentionTask task = tasks[thread];
    task.layer = layer;
    task.kvHead = kvHead;
    task.blocks = blocks;
    task.position = position;
    task.tokens = tokens;
    task.heads = Math.min(queryHeads, headEnd) - firstHead(kvHead);
    task.window = window;
    return task;
  }

  private static AttentionKernel kernelOf(Kernels kernels, KvCache cache) {
    if (kernels instanceof MachineKernels machine) {
      return new MachineAttention(machine, cache);
    }
    return kernels instanceof ScalarKernels ? new ScalarAttention() : new VectorAttention();
  }
}
