package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;

/**
 * Attention of one rank's heads over its KV cache. May be called from several threads at once, each
 * with its own number.
 */
public final class Attention {

  /** Rows, that is heads of tokens, that go over a tile together. */
  private static final int ROWS = 16;

  private final KvCache cache;
  private final int headSize;
  private final int groupSize;
  private final int firstQueryHead;
  private final AttentionKernel kernel;
  private final AttentionTask[] tasks; // by thread

  /**
   * @param kernels whose tier the attention kernel follows
   * @param groupSize query heads that share a KV head
   * @param firstQueryHead the model's number of this rank's first query head
   * @param threads that may call {@link #attend}
   */
  public Attention(KvCache cache, Kernels kernels, int groupSize, int firstQueryHead, int threads) {
    this(cache, kernelOf(kernels), groupSize, firstQueryHead, threads);
  }

  Attention(KvCache cache, AttentionKernel kernel, int groupSize, int firstQueryHead, int threads) {
    this.cache = cache;
    this.kernel = kernel;
    this.headSize = cache.headSize();
    this.groupSize = groupSize;
    this.firstQueryHead = firstQueryHead;
    this.tasks = new AttentionTask[threads];
    for (int i = 0; i < threads; i++) {
      tasks[i] = new AttentionTask(headSize, Math.max(ROWS, groupSize));
    }
  }

  /** Tokens of one sequence that are best attended together. */
  public int tokensTogether() {
    return Math.max(1, ROWS / groupSize);
  }

  /**
   * Attends some of this rank's query heads for consecutive tokens of one sequence.
   *
   * @param headBegin first query head, among this rank's
   * @param headEnd end of the query heads
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
      int headBegin,
      int headEnd,
      int[] blocks,
      int position,
      int row,
      int tokens,
      int window,
      FloatTensor queries,
      FloatTensor out,
      int outBase) {
    AttentionTask task = tasks[thread];
    task.layer = layer;
    task.blocks = blocks;
    task.position = position;
    task.row = row;
    task.tokens = tokens;
    task.window = window;
    task.queries = queries;
    task.out = out;
    int head = headBegin;
    while (head < headEnd) {
      int kvHead = (firstQueryHead + head) / groupSize;
      int end = Math.min(headEnd, (kvHead + 1) * groupSize - firstQueryHead);
      task.kvHead = kvHead - cache.firstHead();
      task.heads = end - head;
      task.queryColumn = head * headSize;
      task.outColumn = outBase + head * headSize;
      kernel.attend(cache, task);
      head = end;
    }
  }

  private static AttentionKernel kernelOf(Kernels kernels) {
    return kernels.name().startsWith("scalar") ? new ScalarAttention() : new VectorAttention();
  }
}
