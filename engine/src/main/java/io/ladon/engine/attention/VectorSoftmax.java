package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.FLOATS;
import static io.ladon.engine.attention.AttentionSimd.load;
import static io.ladon.engine.attention.AttentionSimd.store;

import io.ladon.engine.kernel.Exponential;
import io.ladon.engine.memory.NativeMemory;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
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
    float before = NativeMemory.getFloat(maxAt);
    float max = largest(from, to, before);
    if (max > before) {
      multiply(state, maxAt, Exponential.exp(before - max));
      NativeMemory.setFloat(maxAt, max);
    }
    long lanes = task.lanes(state);
    for (long lane = 0; lane < BLOCK_BYTES; lane += BYTES) {
      exponentials(from + lane, to + lane, max, lanes + lane);
    }
  }

  private static void hide(long from, long to) {
    for (; from != to; from += 4) {
      NativeMemory.setFloat(from, Float.NEGATIVE_INFINITY);
    }
  }

  /**
   * The largest score, or {@code start}. Compares whole numbers that are ordered as the floats are,
   * which takes fewer steps; where a score is NaN all results will be.
   */
  private static float largest(long from, long to, float start) {
    IntVector largest = IntVector.broadcast(AttentionSimd.INTS, ordered(start));
    for (; from != to; from += BYTES) {
      IntVector bits = load(from).reinterpretAsInts();
      IntVector ordered =
          bits.lanewise(VectorOperators.ASHR, 31)
              .and(Integer.MAX_VALUE)
              .lanewise(VectorOperators.XOR, bits);
      largest = largest.max(ordered);
    }
    int key = largest.reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(key ^ ((key >> 31) & Integer.MAX_VALUE));
  }

  private static int ordered(float x) {
    int bits = Float.floatToRawIntBits(x);
    return bits ^ ((bits >> 31) & Integer.MAX_VALUE);
  }

  /**
   * {@code exp(score - max)} of one lane vector of every block, in place, and their sums: a lane
   * takes the blocks in their order.
   *
   * <p>The exponential is {@link Exponential#exp} of something that is never above 0. It is written
   * out so that the method is longer than the 325 bytecodes up to which HotSpot inlines: within a
   * larger method it meets the limit of nodes, and then vectors are boxed.
   */
  private static void exponentials(long from, long to, float max, long lanes) {
    FloatVector sum = load(lanes);
    for (; from != to; from += BLOCK_BYTES) {
      FloatVector x = load(from).sub(max);
      x = x.blend(Exponential.LOWEST, x.compare(VectorOperators.LT, Exponential.LOWEST));
      FloatVector rounded = x.fma(Exponential.LOG2_E, Exponential.ROUNDER);
      FloatVector n = rounded.sub(Exponential.ROUNDER);
      FloatVector r = n.fma(FloatVector.broadcast(FLOATS, Exponential.MINUS_LN2_HIGH), x);
      r = n.fma(FloatVector.broadcast(FLOATS, Exponential.MINUS_LN2_LOW), r);
      FloatVector p =
          FloatVector.broadcast(FLOATS, Exponential.P0)
              .fma(r, FloatVector.broadcast(FLOATS, Exponential.P1));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.P2));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.P3));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.P4));
      p = p.fma(r, FloatVector.broadcast(FLOATS, Exponential.P5));
      p = p.fma(r.mul(r), r).add(1f);
      IntVector exponent = rounded.reinterpretAsInts().sub(Exponential.ROUNDER_BITS);
      IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
      IntVector rest = exponent.sub(half);
      FloatVector first = half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      FloatVector second = rest.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
      FloatVector weight = p.mul(first).mul(second);
      weight = weight.blend(0f, n.compare(VectorOperators.LE, Exponential.LOWEST_POWER));
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
    float partMax = NativeMemory.getFloat(task.max(part));
    float totalMax = NativeMemory.getFloat(maxAt);
    float max = partMax > totalMax ? partMax : totalMax;
    float f = Exponential.exp(totalMax - max);
    FloatVector g = FloatVector.broadcast(FLOATS, Exponential.exp(partMax - max));
    for (long apart = part - total; total != maxAt; total += BYTES) {
      store(load(total + apart).fma(g, load(total).mul(f)), total);
    }
    NativeMemory.setFloat(maxAt, max);
  }

  /** {@link AttentionKernel#finish} with the factor. */
  static void scale(long state, int length, float factor, long out) {
    long end = out + 4L * length;
    for (long whole = out + 4L * length / BYTES * BYTES; out != whole; out += BYTES) {
      store(load(state).mul(factor), out);
      state += BYTES;
    }
    for (; out != end; out += 4, state += 4) {
      NativeMemory.setFloat(out, NativeMemory.getFloat(state) * factor);
    }
  }
}
