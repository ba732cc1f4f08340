package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.memory.NativeMemory;
import java.lang.foreign.MemorySegment;

/**
 * Attention over KV blocks with a running softmax (arXiv 1805.02867), tile by tile. What a row
 * computes depends on its own position alone, never on the rows beside it, so chunks and batches
 * change no bit.
 *
 * <p>Positions are cut into parts of 256, and these into tiles of 64, from position 0 on. For each
 * row and each part in which it sees a position, over the part's tiles, and in them over the
 * positions that it sees:
 *
 * <pre>
 * score[p] = fma over d in order (q[d], key[p][d])
 * m' = max(m, scores); where m' &gt; m: lane[*] *= exp(m - m'), out[*] *= exp(m - m')
 * e[p] = exp(score[p] - m'); lane[p % 16] += e[p]
 * out[d] = fma(e[p], value[p][d], out[d]) position after position
 * </pre>
 *
 * from {@code m = -infinity} and zeros. The parts are merged in their order, the first being the
 * total, and each next one:
 *
 * <pre>
 * M' = max(M, m); f = exp(M - M'); g = exp(m - M')
 * Lane[*] = fma(lane[*], g, Lane[*] * f); Out[*] = fma(out[*], g, Out[*] * f)
 * </pre>
 *
 * and in the end {@code Out[d] * (1 / sum)}, the sum being that of the lanes in the tree (i, i +
 * 8), (i, i + 4), (i, i + 2), (i, i + 1). So threads may share the parts of one row.
 */
abstract class AttentionKernel {

  /** For logs. */
  abstract String name();

  /**
   * Takes the positions of a tile that they see into the states of all rows.
   *
   * @param states address of the rows' states
   */
  abstract void take(KvCache cache, AttentionTask task, int tile, long states);

  /** Merges the state of a next part into that of the parts before. */
  abstract void merge(AttentionTask task, long part, long total);

  /** Makes states those of no position. */
  void clear(AttentionTask task, long states, int rows) {
    task.clear(states, rows);
  }

  /** {@code out[d] = Out[d] * (1 / sum)} over the head size. May destroy the state's lanes. */
  abstract void finish(AttentionTask task, long state, long out);

  /** Rotates consecutive heads. */
  void rotate(RopeTable rope, long address, int heads, int headSize, int position) {
    rope.rotate(address, heads, headSize, position);
  }

  /**
   * Stores a key and a value in code of the kernel's own, if it has any for the cache's type.
   *
   * @param key address of the key's floats
   * @param value address of the value's
   * @param toKey address of the key's first element in its block
   * @param toValue address of the value's
   * @return whether it has
   */
  boolean store(long key, long value, long toKey, long toValue) {
    return false;
  }

  /** Computes a part of all rows, from cleared states. */
  final void part(KvCache cache, AttentionTask task, int part, long states) {
    int rows = task.rows();
    clear(task, states, AttentionTask.roundUp(rows, AttentionTask.TOGETHER));
    int first = task.firstSeen(0) / AttentionTask.TILE;
    int last = task.position(rows - 1) / AttentionTask.TILE;
    int begin = Math.max(first, part * AttentionTask.PART_TILES);
    int end = Math.min(last + 1, (part + 1) * AttentionTask.PART_TILES);
    for (int tile = begin; tile < end; tile++) {
      take(cache, task, tile, states);
    }
  }

  /** Computes and merges all parts; the result is in {@code task.total}. */
  final void parts(KvCache cache, AttentionTask task) {
    int rows = task.rows();
    int last = Attention.part(task.position(rows - 1));
    for (int part = Attention.part(task.firstSeen(0)); part <= last; part++) {
      part(cache, task, part, task.part);
      for (int row = 0; row < rows; row++) {
        int firstOfRow = Attention.part(task.firstSeen(row));
        if (firstOfRow <= part && part <= Attention.part(task.position(row))) {
          add(task, task.part + row * task.stateStride, row, part == firstOfRow);
        }
      }
    }
  }

  /** Takes a row's next part into {@code task.total}. */
  final void add(AttentionTask task, long part, int row, boolean first) {
    long total = task.total + row * task.stateStride;
    if (first) {
      MemorySegment.copy(NativeMemory.ALL, part, NativeMemory.ALL, total, task.stateStride);
    } else {
      merge(task, part, total);
    }
  }

  /** Copies the queries to {@code task.queries}; those of rows without a meaning become 0. */
  static void read(AttentionTask task, FloatTensor queries, int firstToken, int column) {
    long tokenBytes = 4L * task.heads * task.headSize;
    for (int t = 0; t < task.tokens; t++) {
      long from = ((long) (firstToken + t) * queries.columns() + column) * 4;
      MemorySegment.copy(
          queries.segment(), from, NativeMemory.ALL, task.queries + t * tokenBytes, tokenBytes);
    }
    long rowBytes = 4L * task.headSize;
    int rows = task.rows();
    int computed = AttentionTask.roundUp(rows, AttentionTask.TOGETHER);
    AttentionTask.zero(task.queries + rows * rowBytes, (computed - rows) * rowBytes);
  }

  /** Divides {@code task.total} by the sums of exponentials; the results go to {@code out}. */
  final void write(AttentionTask task, FloatTensor out, int firstToken, int column) {
    for (int row = 0; row < task.rows(); row++) {
      long state = task.total + row * task.stateStride;
      int token = firstToken + row / task.heads;
      long to = (long) token * out.columns() + column + (long) row % task.heads * task.headSize;
      finish(task, state, out.segment().address() + 4 * to);
    }
  }

  /** Adds 16 lanes in the fixed tree; destroys them. */
  static float sum(long lanes) {
    for (int half = AttentionTask.LANES / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        NativeMemory.setFloat(
            lanes + 4L * i,
            NativeMemory.getFloat(lanes + 4L * i) + NativeMemory.getFloat(lanes + 4L * (half + i)));
      }
    }
    return NativeMemory.getFloat(lanes);
  }
}
