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
   * Attends to all positions.
   *
   * @param queries of the task's first token in row {@code row}, from {@code column} on
   * @param out results go to the same row, from {@code outColumn} on
   */
  abstract void attend(
      KvCache cache,
      AttentionTask task,
      FloatTensor queries,
      int row,
      int column,
      FloatTensor out,
      int outColumn);

  /**
   * Attends to the positions of one part.
   *
   * @param states address of the states that are the result, of rows filled up to {@link
   *     AttentionTask#TOGETHER}
   */
  abstract void attendPart(
      KvCache cache,
      AttentionTask task,
      FloatTensor queries,
      int row,
      int column,
      int part,
      long states);

  /** Merges the state of a next part into that of the parts before. */
  abstract void merge(AttentionTask task, long part, long total);

  /** {@code out[d] = Out[d] * (1 / sum)} over the head size. May destroy the state's lanes. */
  abstract void finish(AttentionTask task, long state, long out);

  /**
   * Rotates the heads of tokens at consecutive positions.
   *
   * @param address of the first token's first head; heads and tokens follow each other
   */
  void rotate(RopeTable rope, long address, int heads, int headSize, int position, int tokens) {
    for (int t = 0; t < tokens; t++) {
      rope.rotate(address + 4L * t * heads * headSize, heads, headSize, position + t);
    }
  }

  /**
   * Stores keys and values of consecutive positions of a block in code of the kernel's own, if it
   * has any for the cache's type.
   *
   * @param key address of the first key's floats
   * @param value address of the value's
   * @param step bytes from one position's key, and value, to the next one's
   * @param toKey address of the key's first element in its block
   * @param toValue address of the value's
   * @return whether it has
   */
  boolean store(long key, long value, long toKey, long toValue, int positions, long step) {
    return false;
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
