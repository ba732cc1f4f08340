package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.broadcast;
import static io.ladon.engine.attention.AttentionSimd.load;
import static io.ladon.engine.attention.AttentionSimd.store;

import jdk.incubator.vector.FloatVector;

/**
 * {@code state[d] = fma(weight[p], value[p][d], state[d])}, position after position, for two
 * vectors of head elements of four rows; lanes are elements of the head. Four rows share each load
 * of values. The sums stay in registers over all blocks of the tile.
 *
 * <p>For one row the strides are 0: all four are then the same row, computed alike and stored four
 * times.
 *
 * <p>Longer than HotSpot inlines, like {@link VectorScores}.
 */
final class VectorValues {

  private VectorValues() {}

  /**
   * @param weights weights of the first row, of position 0 of the tile
   * @param weightsStride bytes from one row's weights to the next's
   * @param blocks addresses of the tile's blocks of values
   * @param offset bytes from a position's value to the first of the two vectors
   * @param stride bytes of one position's value
   * @param begin first position, in the tile
   * @param end end of the positions
   * @param state the first of the two vectors in the state of the first row
   * @param stateStride bytes from one row's state to the next's
   */
  static void four(
      long weights,
      long weightsStride,
      long[] blocks,
      long offset,
      long stride,
      int begin,
      int end,
      long state,
      long stateStride) {
    long third = 3 * stateStride;
    long thirdWeights = 3 * weightsStride;
    FloatVector a0 = load(state);
    FloatVector a1 = load(state + BYTES);
    FloatVector b0 = load(state + stateStride);
    FloatVector b1 = load(state + stateStride + BYTES);
    FloatVector c0 = load(state + 2 * stateStride);
    FloatVector c1 = load(state + 2 * stateStride + BYTES);
    FloatVector d0 = load(state + third);
    FloatVector d1 = load(state + third + BYTES);
    int p = begin;
    while (p < end) {
      int until = Math.min(end, (p | (KvCache.BLOCK - 1)) + 1);
      long v = blocks[p / KvCache.BLOCK] + offset + (p & (KvCache.BLOCK - 1)) * stride;
      long last = weights + 4L * until;
      for (long w = weights + 4L * p; w != last; w += 4, v += stride) {
        FloatVector v0 = load(v);
        FloatVector v1 = load(v + BYTES);
        FloatVector x = broadcast(w);
        a0 = x.fma(v0, a0);
        a1 = x.fma(v1, a1);
        x = broadcast(w + weightsStride);
        b0 = x.fma(v0, b0);
        b1 = x.fma(v1, b1);
        x = broadcast(w + 2 * weightsStride);
        c0 = x.fma(v0, c0);
        c1 = x.fma(v1, c1);
        x = broadcast(w + thirdWeights);
        d0 = x.fma(v0, d0);
        d1 = x.fma(v1, d1);
      }
      p = until;
    }
    store(a0, state);
    store(a1, state + BYTES);
    store(b0, state + stateStride);
    store(b1, state + stateStride + BYTES);
    store(c0, state + 2 * stateStride);
    store(c1, state + 2 * stateStride + BYTES);
    store(d0, state + third);
    store(d1, state + third + BYTES);
  }
}
