package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.FLOATS;
import static io.ladon.engine.attention.AttentionSimd.broadcast;
import static io.ladon.engine.attention.AttentionSimd.load;
import static io.ladon.engine.attention.AttentionSimd.loadHalves;
import static io.ladon.engine.attention.AttentionSimd.store;

import jdk.incubator.vector.FloatVector;

/**
 * Scores of two vectors of positions, for four rows or one; lanes are positions. Four rows share
 * each load of keys, and eight chains of additions run side by side, which is what it takes to keep
 * two multipliers busy. The addresses of the two vectors of keys are those of head element 0; 16
 * positions lie between one element and the next.
 */
final class VectorScores {

  private static final long FLOATS_STRIDE = 4L * KvCache.BLOCK;
  private static final long HALVES_STRIDE = 2L * KvCache.BLOCK;

  private VectorScores() {}

  /**
   * @param q queries of the first row
   * @param stride bytes from one row's queries to the next's, 4 * head size
   * @param out scores of the first row
   */
  static void fourOfFloats(long q, long stride, long first, long second, long out) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    long third = 3 * stride;
    long apart = second - first;
    for (long end = q + stride; q != end; q += 4, first += FLOATS_STRIDE) {
      FloatVector k0 = load(first);
      FloatVector k1 = load(first + apart);
      FloatVector x = broadcast(q);
      a0 = x.fma(k0, a0);
      a1 = x.fma(k1, a1);
      x = broadcast(q + stride);
      b0 = x.fma(k0, b0);
      b1 = x.fma(k1, b1);
      x = broadcast(q + 2 * stride);
      c0 = x.fma(k0, c0);
      c1 = x.fma(k1, c1);
      x = broadcast(q + third);
      d0 = x.fma(k0, d0);
      d1 = x.fma(k1, d1);
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

  /** The same on half precision keys. */
  static void fourOfHalves(long q, long stride, long first, long second, long out) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    long third = 3 * stride;
    long apart = second - first;
    for (long end = q + stride; q != end; q += 4, first += HALVES_STRIDE) {
      FloatVector k0 = loadHalves(first);
      FloatVector k1 = loadHalves(first + apart);
      FloatVector x = broadcast(q);
      a0 = x.fma(k0, a0);
      a1 = x.fma(k1, a1);
      x = broadcast(q + stride);
      b0 = x.fma(k0, b0);
      b1 = x.fma(k1, b1);
      x = broadcast(q + 2 * stride);
      c0 = x.fma(k0, c0);
      c1 = x.fma(k1, c1);
      x = broadcast(q + third);
      d0 = x.fma(k0, d0);
      d1 = x.fma(k1, d1);
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

  /** One row. */
  static void oneOfFloats(long q, long stride, long first, long second, long out) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    long apart = second - first;
    for (long end = q + stride; q != end; q += 4, first += FLOATS_STRIDE) {
      FloatVector x = broadcast(q);
      a0 = x.fma(load(first), a0);
      a1 = x.fma(load(first + apart), a1);
    }
    store(a0, out);
    store(a1, out + BYTES);
  }

  /** One row on half precision keys. */
  static void oneOfHalves(long q, long stride, long first, long second, long out) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    long apart = second - first;
    for (long end = q + stride; q != end; q += 4, first += HALVES_STRIDE) {
      FloatVector x = broadcast(q);
      a0 = x.fma(loadHalves(first), a0);
      a1 = x.fma(loadHalves(first + apart), a1);
    }
    store(a0, out);
    store(a1, out + BYTES);
  }
}
