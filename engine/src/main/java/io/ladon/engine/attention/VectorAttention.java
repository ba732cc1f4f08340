package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.L;

/**
 * The same on the Vector API. Lanes are positions for the scores and elements of the head for the
 * values, so no sum changes its order, whatever the width.
 *
 * <p>Float32 blocks are read where they are. Half precision is converted on the way by every four
 * rows that read it, where there are no more, as in decoding; otherwise, like int8, once for all
 * rows, into the task's tile.
 */
final class VectorAttention extends AttentionKernel {

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
    boolean halves = cache.type() == KvType.F16 && rows <= TOGETHER;
    keys(cache, task, firstBlock, begin, end, halves);
    for (int row = 0; row < rows; row += TOGETHER) {
      scores(task, tile, row, rows - row, halves);
    }
    for (int row = 0; row < rows; row++) {
      int from = task.begin(tile, row);
      int to = task.end(tile, row);
      if (from < to) {
        long scores = task.scores + row * AttentionTask.SCORES_STRIDE;
        VectorSoftmax.weigh(task, scores, from, to, states + row * task.stateStride);
      }
    }
    values(cache, task, firstBlock, begin, end, halves);
    for (int row = 0; row < rows; row += TOGETHER) {
      accumulate(task, tile, row, rows - row, halves, states);
    }
  }

  /** Makes blocks {@code [begin, end)} of a tile's keys readable as float32, or as halves. */
  private static void keys(
      KvCache cache, AttentionTask task, int firstBlock, int begin, int end, boolean halves) {
    int size = task.headSize;
    for (int b = begin; b < end; b++) {
      long keys = cache.keys(task.layer, task.kvHead, task.blocks[firstBlock + b]);
      long converted = task.tile + 4L * b * KvCache.BLOCK * size;
      switch (cache.type()) {
        case F32 -> converted = keys;
        case F16 -> {
          if (halves) {
            converted = keys;
          } else {
            VectorTile.halves(keys, KvCache.BLOCK * size, converted);
          }
        }
        case Q8 -> VectorTile.keys(keys, keys + cache.scalesOffset(), size, converted);
      }
      if (b == begin) {
        task.aim(converted); // Vectors may reach into a block that nobody sees.
      }
      task.blockAddresses[b] = converted;
    }
  }

  private static void values(
      KvCache cache, AttentionTask task, int firstBlock, int begin, int end, boolean halves) {
    int size = task.headSize;
    for (int b = begin; b < end; b++) {
      long values = cache.values(task.layer, task.kvHead, task.blocks[firstBlock + b]);
      long converted = task.tile + 4L * b * KvCache.BLOCK * size;
      switch (cache.type()) {
        case F32 -> converted = values;
        case F16 -> {
          if (halves) {
            converted = values;
          } else {
            VectorTile.halves(values, KvCache.BLOCK * size, converted);
          }
        }
        case Q8 -> VectorTile.values(values, values + cache.scalesOffset(), size, converted);
      }
      task.blockAddresses[b] = converted;
    }
  }

  /** Scores of up to four rows for the positions that any of them sees, and some around. */
  private static void scores(AttentionTask task, int tile, int row, int left, boolean halves) {
    int size = task.headSize;
    int begin = task.begin(tile, row);
    int end = task.end(tile, row + Math.min(left, TOGETHER) - 1);
    long stride = 4L * size;
    long q = task.queries + row * stride;
    long out = task.scores + row * AttentionTask.SCORES_STRIDE;
    for (int p = begin / (2 * L) * 2 * L; p < end; p += 2 * L) {
      long first = keyAddress(task, p, halves);
      long second = keyAddress(task, p + L, halves);
      if (halves) {
        if (left > 1) {
          VectorScores.fourOfHalves(q, stride, first, second, out + 4L * p);
        } else {
          VectorScores.oneOfHalves(q, stride, first, second, out + 4L * p);
        }
      } else if (left > 1) {
        VectorScores.fourOfFloats(q, stride, first, second, out + 4L * p);
      } else {
        VectorScores.oneOfFloats(q, stride, first, second, out + 4L * p);
      }
    }
  }

  private static long keyAddress(AttentionTask task, int p, boolean halves) {
    return task.blockAddresses[p / KvCache.BLOCK] + (halves ? 2L : 4L) * (p % KvCache.BLOCK);
  }

  /**
   * Weighted values of up to four rows: together where all see a position, and before and behind
   * that one by one, for what a row does not see must not even be multiplied by 0.
   */
  private static void accumulate(
      AttentionTask task, int tile, int row, int left, boolean halves, long states) {
    int count = Math.min(left, TOGETHER);
    // Later rows begin and end later.
    int begin = task.begin(tile, row + count - 1);
    int end = task.end(tile, row);
    if (count == 1 || begin >= end) {
      for (int r = row; r < row + count; r++) {
        one(task, r, task.begin(tile, r), task.end(tile, r), halves, states);
      }
      return;
    }
    for (int r = row; r < row + count; r++) {
      one(task, r, task.begin(tile, r), begin, halves, states);
    }
    four(task, row, begin, end, halves, states);
    for (int r = row; r < row + count; r++) {
      one(task, r, end, task.end(tile, r), halves, states);
    }
  }

  private static void four(
      AttentionTask task, int row, int begin, int end, boolean halves, long states) {
    long weights = task.scores + row * AttentionTask.SCORES_STRIDE;
    long state = states + row * task.stateStride;
    long elements = task.headSize;
    for (int d = 0; d < task.headSize; d += 2 * L) {
      if (halves) {
        VectorValues.fourOfHalves(
            weights,
            task.blockAddresses,
            2L * d,
            2 * elements,
            begin,
            end,
            state + 4L * d,
            task.stateStride);
      } else {
        VectorValues.fourOfFloats(
            weights,
            task.blockAddresses,
            4L * d,
            4 * elements,
            begin,
            end,
            state + 4L * d,
            task.stateStride);
      }
    }
  }

  private static void one(
      AttentionTask task, int row, int begin, int end, boolean halves, long states) {
    if (begin >= end) {
      return;
    }
    long weights = task.scores + row * AttentionTask.SCORES_STRIDE;
    long state = states + row * task.stateStride;
    long elements = task.headSize;
    for (int d = 0; d < task.headSize; d += 2 * L) {
      if (halves) {
        VectorValues.oneOfHalves(
            weights, task.blockAddresses, 2L * d, 2 * elements, begin, end, state + 4L * d);
      } else {
        VectorValues.oneOfFloats(
            weights, task.blockAddresses, 4L * d, 4 * elements, begin, end, state + 4L * d);
      }
    }
  }

  @Override
  void merge(AttentionTask task, long part, long total) {
    VectorSoftmax.merge(task, part, total);
  }

  @Override
  void scale(AttentionTask task, long state, float factor, long out) {
    VectorSoftmax.scale(state, task.headSize, factor, out);
  }
}
