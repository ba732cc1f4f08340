package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.FLOATS;
import static io.ladon.engine.attention.AttentionSimd.L;
import static io.ladon.engine.attention.AttentionSimd.broadcast;
import static io.ladon.engine.attention.AttentionSimd.load;
import static io.ladon.engine.attention.AttentionSimd.store;

import jdk.incubator.vector.FloatVector;

/**
 * Scores of four rows, two vectors of positions at a time; lanes are positions. Four rows share
 * each load of keys, and eight chains of additions run side by side, which is what it takes to keep
 * two multipliers busy.
 *
 * <p>The method is longer than the 325 bytecodes up to which HotSpot inlines: what is inlined into
 * a large method soon meets its limit of nodes, and then vectors are boxed.
 */
final class VectorScores {

  /** Bytes from one head element of a block's keys to the next. */
  private static final long STRIDE = 4L * KvCache.BLOCK;

  private VectorScores() {}

  /**
   * @param q queries of the first row
   * @param stride bytes from one row's queries to the next's, 4 * head size
   * @param blocks addresses of the tile's blocks of keys
   * @param begin first position, in the tile, a multiple of two vectors
   * @param end end of the positions that are needed
   * @param scores scores of the first row, of position 0 of the tile
   */
  static void four(long q, long stride, long[] blocks, int begin, int end, long scores) {
    long third = 3 * stride;
    for (int p = begin; p < end; p += 2 * L) {
      long first = blocks[p / KvCache.BLOCK] + 4L * (p % KvCache.BLOCK);
      long apart = blocks[(p + L) / KvCache.BLOCK] + 4L * ((p + L) % KvCache.BLOCK) - first;
      long out = scores + 4L * p;
      FloatVector a0 = FloatVector.zero(FLOATS);
      FloatVector a1 = a0;
      FloatVector b0 = a0;
      FloatVector b1 = a0;
      FloatVector c0 = a0;
      FloatVector c1 = a0;
      FloatVector d0 = a0;
      FloatVector d1 = a0;
      for (long x = q, last = q + stride; x != last; x += 4, first += STRIDE) {
        FloatVector k0 = load(first);
        FloatVector k1 = load(first + apart);
        FloatVector y = broadcast(x);
        a0 = y.fma(k0, a0);
        a1 = y.fma(k1, a1);
        y = broadcast(x + stride);
        b0 = y.fma(k0, b0);
        b1 = y.fma(k1, b1);
        y = broadcast(x + 2 * stride);
        c0 = y.fma(k0, c0);
        c1 = y.fma(k1, c1);
        y = broadcast(x + third);
        d0 = y.fma(k0, d0);
        d1 = y.fma(k1, d1);
      }
      store(a0, out);
      store(a1, out + BYTES);
      store(b0, out + AttentionTask.SCORES_STRIDE);
      store(b1, out + AttentionTask.SCORES_STRIDE + BYTES);
      store(c0, out + 2 * AttentionTask.SCORES_STRIDE);
      store(c1, out + 2 * AttentionTask.SCORES_STRIDE + BYTES);
      store(d0, out + 3 * AttentionTask.SCORES_STRIDE);
      store(d1, out + 3 * AttentionTask.SCORES_STRIDE + BYTES);
    }
  }
}
