package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.FLOATS;
import static io.ladon.engine.attention.AttentionSimd.load;
import static io.ladon.engine.attention.AttentionSimd.store;

import io.ladon.engine.kernel.Exponential;
import io.ladon.engine.kernel.VectorExponential;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** What the running softmax does to one row: largest score, exponentials, sums, merges. */
final class VectorSoftmax {

  /** Bytes of 16 floats. */
  private static final long BLOCK_BYTES = 4L * KvCache.BLOCK;

  private VectorSoftmax() {}

  /**
   * Makes weights of the scores of positions {@code [begin, end)} of a tile, in place.
   *
   * @param scores of position 0 of the tile; those of positions that are not seen but share a block
   *     with one that is may be anything, and become 0
   */
  static void weigh(AttentionTask task, long scores, int begin, int end, long state) {
    long from = scores + begin / KvCache.BLOCK * BLOCK_BYTES;
    long to = scores + (end + KvCache.BLOCK - 1) / KvCache.BLOCK * BLOCK_BYTES;
    // What was not written, or is not to be seen, may be anything in the keys: it ends here.
    hide(from, scores + 4L * begin);
    hide(scores + 4L * end, to);
    long maxAt = task.max(state);
    float before = Memory.get(maxAt);
    float max = largest(from, to, before);
    if (max > before) {
      multiply(state, maxAt, Exponential.exp(before - max));
      Memory.set(maxAt, max);
    }
    long lanes = task.lanes(state);
    for (long lane = 0; lane < BLOCK_BYTES; lane += BYTES) {
      exponentials(from + lane, to + lane, max, lanes + lane);
    }
  }

  private static void hide(long from, long to) {
    for (; from != to; from += 4) {
      Memory.set(from, Float.NEGATIVE_INFINITY);
    }
  }

  /** The largest score, or {@code start}; NaN is passed over, as by the scalar comparison. */
  private static float largest(long from, long to, float start) {
    FloatVector max = FloatVector.broadcast(FLOATS, start);
    for (; from != to; from += BYTES) {
      FloatVector x = load(from);
      max = max.blend(x, x.compare(VectorOperators.GT, max));
    }
    return max.reduceLanes(VectorOperators.MAX);
  }

  /** One lane vector of every block: a lane's sum takes the blocks in their order. */
  private static void exponentials(long from, long to, float max, long lanes) {
    FloatVector sum = load(lanes);
    for (; from != to; from += BLOCK_BYTES) {
      FloatVector weight = VectorExponential.exp(load(from).sub(max));
      store(weight, from);
      sum = sum.add(weight);
    }
    store(sum, lanes);
  }

  /** Multiplies sums and lanes, which end where the largest score stands, by a factor. */
  private static void multiply(long from, long to, float factor) {
    for (; from != to; from += BYTES) {
      store(load(from).mul(factor), from);
    }
  }

  /** {@link AttentionKernel#merge}. */
  static void merge(AttentionTask task, long part, long total) {
    long maxAt = task.max(total);
    float partMax = Memory.get(task.max(part));
    float totalMax = Memory.get(maxAt);
    float max = partMax > totalMax ? partMax : totalMax;
    float f = Exponential.exp(totalMax - max);
    FloatVector g = FloatVector.broadcast(FLOATS, Exponential.exp(partMax - max));
    for (long apart = part - total; total != maxAt; total += BYTES) {
      store(load(total + apart).fma(g, load(total).mul(f)), total);
    }
    Memory.set(maxAt, max);
  }

  /** {@link AttentionKernel#scale}. */
  static void scale(long state, int length, float factor, long out) {
    long end = out + 4L * length;
    for (long whole = out + 4L * length / BYTES * BYTES; out != whole; out += BYTES) {
      store(load(state).mul(factor), out);
      state += BYTES;
    }
    for (; out != end; out += 4, state += 4) {
      Memory.set(out, Memory.get(state) * factor);
    }
  }
}
