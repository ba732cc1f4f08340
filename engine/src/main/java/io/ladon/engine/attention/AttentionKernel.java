package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Attention over KV blocks with a running softmax (arXiv 1805.02867), tile by tile. What a row
 * computes depends on its own position alone, never on the rows beside it, so chunks and batches
 * change no bit.
 *
 * <p>For each row, over tiles of 64 positions from position 0, and in them over the positions that
 * it sees:
 *
 * <pre>
 * score[p] = fma over d in order (q[d], key[p][d])
 * m' = max(m, scores); where m' &gt; m: lane[*] *= exp(m - m'), out[*] *= exp(m - m')
 * e[p] = exp(score[p] - m'); lane[p % 16] += e[p]
 * out[d] = fma(e[p], value[p][d], out[d]) position after position
 * </pre>
 *
 * and in the end {@code out[d] *= 1 / sum}, the sum being that of the lanes in the tree (i, i + 8),
 * (i, i + 4), (i, i + 2), (i, i + 1).
 */
abstract class AttentionKernel {

  /** For logs. */
  abstract String name();

  /**
   * Brings the keys and values of a tile to {@code task.keys} and {@code task.values}.
   *
   * @param firstBlock index in {@code task.blocks} of the tile's first block
   * @param count positions of the tile that any row sees; what lies behind may stay as it is
   */
  abstract void load(KvCache cache, AttentionTask task, int firstBlock, int count);

  /** Takes positions {@code [begin, end)} of the loaded tile into a row. */
  abstract void take(AttentionTask task, int row, int begin, int end);

  /** Computes {@code task.out}. */
  final void attend(KvCache cache, AttentionTask task) {
    int rows = task.rows();
    start(task, rows);
    int last = task.position + task.tokens - 1;
    int tile = AttentionTask.TILE;
    for (int t = firstSeen(task, task.position) / tile; t <= last / tile; t++) {
      int begin = t * tile;
      load(cache, task, begin / KvCache.BLOCK, Math.min(tile, last + 1 - begin));
      for (int row = 0; row < rows; row++) {
        int position = task.position + row / task.heads;
        int from = Math.max(0, firstSeen(task, position) - begin);
        int to = Math.min(tile, position + 1 - begin);
        if (from < to) {
          take(task, row, from, to);
        }
      }
    }
    finish(task, rows);
  }

  private static int firstSeen(AttentionTask task, int position) {
    return task.window == 0 ? 0 : Math.max(0, position - task.window + 1);
  }

  private static void start(AttentionTask task, int rows) {
    int size = task.headSize;
    FloatTensor queries = task.queries;
    for (int t = 0; t < task.tokens; t++) {
      long from = (long) (task.row + t) * queries.columns() + task.queryColumn;
      MemorySegment.copy(
          queries.segment(),
          ValueLayout.JAVA_FLOAT,
          from * 4,
          task.q,
          t * task.heads * size,
          task.heads * size);
    }
    Arrays.fill(task.accumulator, 0, rows * size, 0f);
    Arrays.fill(task.max, 0, rows, Float.NEGATIVE_INFINITY);
    Arrays.fill(task.lanes, 0, rows * AttentionTask.LANES, 0f);
  }

  private static void finish(AttentionTask task, int rows) {
    int size = task.headSize;
    for (int row = 0; row < rows; row++) {
      float factor = 1f / sum(task.lanes, row * AttentionTask.LANES);
      for (int d = row * size; d < (row + 1) * size; d++) {
        task.accumulator[d] *= factor;
      }
    }
    FloatTensor out = task.out;
    for (int t = 0; t < task.tokens; t++) {
      long to = (long) (task.row + t) * out.columns() + task.outColumn;
      MemorySegment.copy(
          task.accumulator,
          t * task.heads * size,
          out.segment(),
          ValueLayout.JAVA_FLOAT,
          to * 4,
          task.heads * size);
    }
  }

  /** Adds 16 lanes in the fixed tree; destroys them. */
  static float sum(float[] lanes, int offset) {
    for (int half = AttentionTask.LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[offset + i] += lanes[offset + half + i];
      }
    }
    return lanes[offset];
  }
}
