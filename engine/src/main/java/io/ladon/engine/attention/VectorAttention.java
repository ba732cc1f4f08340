package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.L;

/**
 * The same on the Vector API. Lanes are positions for the scores and elements of the head for the
 * values, so no sum changes its order, whatever the width.
 *
 * <p>Float32 blocks are read where they are. Others are converted once for all rows, into the
 * task's tile, first the keys and then the values; for even in decoding, with four rows to a KV
 * head, converting on the way takes longer than a short loop that does nothing else.
 */
final class VectorAttention extends TiledAttention {

  private static final int TOGETHER = AttentionTask.TOGETHER;

  @Override
  String name() {
    return "vector-" + AttentionSimd.BITS;
  }

  @Override
  void take(KvCache cache, AttentionTask task, int tile, long states) {
    int rows = task.rows();
    int firstBlock = tile * AttentionTask.BLOCKS;
    int begin = task.begin(tile, 0) / KvCache.BLOCK;
    int end = (task.end(tile, rows - 1) + KvCache.BLOCK - 1) / KvCache.BLOCK;
    keys(cache, task, firstBlock, begin, end);
    for (int row = 0; row < rows; row += TOGETHER) {
      scores(task, tile, row, Math.min(rows - row, TOGETHER));
    }
    for (int row = 0; row < rows; row++) {
      int from = task.begin(tile, row);
      int to = task.end(tile, row);
      if (from < to) {
        long scores = task.scores + row * AttentionTask.SCORES_STRIDE;
        VectorSoftmax.weigh(task, scores, from, to, states + row * task.stateStride);
      }
    }
    values(cache, task, firstBlock, begin, end);
    for (int row = 0; row < rows; row += TOGETHER) {
      accumulate(task, tile, row, Math.min(rows - row, TOGETHER), states);
    }
  }

  /** Makes blocks {@code [begin, end)} of a tile's keys readable as float32. */
  private static void keys(KvCache cache, AttentionTask task, int firstBlock, int begin, int end) {
    int size = task.headSize;
    for (int b = begin; b < end; b++) {
      long keys = cache.keys(task.layer, task.kvHead, task.blocks[firstBlock + b]);
      long converted = task.tile + 4L * b * KvCache.BLOCK * size;
      switch (cache.type()) {
        case F32 -> converted = keys;
        case F16 -> VectorTile.halves(keys, KvCache.BLOCK * size, converted);
        case Q8 -> VectorTile.keys(keys, keys + cache.scalesOffset(), size, converted);
      }
      if (b == begin) {
        task.aim(converted); // Vectors may reach into a block that nobody sees.
      }
      task.blockAddresses[b] = converted;
    }
  }

  /** Makes blocks of a tile's values readable as float32. */
  private static void values(
      KvCache cache, AttentionTask task, int firstBlock, int begin, int end) {
    int size = task.headSize;
    for (int b = begin; b < end; b++) {
      long values = cache.values(task.layer, task.kvHead, task.blocks[firstBlock + b]);
      long converted = task.tile + 4L * b * KvCache.BLOCK * size;
      switch (cache.type()) {
        case F32 -> converted = values;
        case F16 -> VectorTile.halves(values, KvCache.BLOCK * size, converted);
        case Q8 -> VectorTile.values(values, values + cache.scalesOffset(), size, converted);
      }
      task.blockAddresses[b] = converted;
    }
  }

  /** Scores of up to four rows for the positions that any of them sees, and some around. */
  private static void scores(AttentionTask task, int tile, int row, int count) {
    int begin = task.begin(tile, row) / (2 * L) * 2 * L;
    int end = task.end(tile, row + count - 1);
    long stride = 4L * task.headSize;
    long q = task.queries + row * stride;
    long scores = task.scores + row * AttentionTask.SCORES_STRIDE;
    VectorScores.four(q, stride, task.blockAddresses, begin, end, scores);
  }

  /**
   * Weighted values of up to four rows: together where all see a position, and before and behind
   * that one by one, for what a row does not see must not even be multiplied by 0.
   */
  private static void accumulate(AttentionTask task, int tile, int row, int count, long states) {
    // Later rows begin and end later.
    int begin = task.begin(tile, row + count - 1);
    int end = task.end(tile, row);
    if (begin >= end) {
      for (int r = row; r < row + count; r++) {
        accumulate(task, r, 0, task.begin(tile, r), task.end(tile, r), states);
      }
      return;
    }
    for (int r = row; r < row + count; r++) {
      accumulate(task, r, 0, task.begin(tile, r), begin, states);
    }
    accumulate(task, row, 1, begin, end, states);
    for (int r = row; r < row + count; r++) {
      accumulate(task, r, 0, end, task.end(tile, r), states);
    }
  }

  /**
   * @param step 1 for this row and the three behind it, 0 for this row alone
   */
  private static void accumulate(
      AttentionTask task, int row, int step, int begin, int end, long states) {
    if (begin >= end) {
      return;
    }
    long weights = task.scores + row * AttentionTask.SCORES_STRIDE;
    long weightsStride = step * AttentionTask.SCORES_STRIDE;
    long state = states + row * task.stateStride;
    long stateStride = step * task.stateStride;
    long[] blocks = task.blockAddresses;
    int size = task.headSize;
    for (int d = 0; d < size; d += 2 * L) {
      long to = state + 4L * d;
      VectorValues.four(
          weights, weightsStride, blocks, 4L * d, 4L * size, begin, end, to, stateStride);
    }
  }

  @Override
  void merge(AttentionTask task, long part, long total) {
    VectorSoftmax.merge(task, part, total);
  }

  @Override
  void finish(AttentionTask task, long state, long out) {
    VectorSoftmax.scale(state, task.headSize, 1f / sum(task.lanes(state)), out);
  }
}
