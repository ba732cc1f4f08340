package io.ladon.engine.attention;

import io.ladon.engine.kernel.Exponential;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The same on the Vector API. Lanes are positions for the scores and elements of the head for the
 * values, so no sum changes its order.
 */
final class VectorAttention extends AttentionKernel {

  private static final VectorSpecies<Float> FLOATS =
      FloatVector.SPECIES_PREFERRED.length() > 16
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS =
      IntVector.SPECIES_PREFERRED.withShape(FLOATS.vectorShape());
  private static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
  private static final int L = FLOATS.length();
  private static final int BLOCKS = AttentionTask.TILE / KvCache.BLOCK;

  /** 2^112: moves the exponent of half precision's bits, shifted by 13, to that of float32. */
  private static final float HALF_SCALE = Float.intBitsToFloat((127 + 127 - 15) << 23);

  @Override
  String name() {
    return "vector-" + FLOATS.vectorBitSize();
  }

  @Override
  void load(KvCache cache, AttentionTask task, int firstBlock, int count) {
    int blockElements = KvCache.BLOCK * task.headSize;
    for (int b = 0; b * KvCache.BLOCK < count; b++) {
      int block = task.blocks[firstBlock + b];
      long keys = cache.keys(task.layer, task.kvHead, block);
      long values = cache.values(task.layer, task.kvHead, block);
      if (cache.type() == KvType.F32) {
        copy(cache.segment(), keys, task.keys, b * blockElements, blockElements);
        copy(cache.segment(), values, task.values, b * blockElements, blockElements);
      } else {
        convert(cache.segment(), keys, task.keys, b * blockElements, blockElements);
        convert(cache.segment(), values, task.values, b * blockElements, blockElements);
      }
    }
  }

  @Override
  void take(AttentionTask task, int row, int begin, int end) {
    int size = task.headSize;
    float[] scores = task.scores;
    int firstBlock = begin / KvCache.BLOCK;
    int endBlock = (end + KvCache.BLOCK - 1) / KvCache.BLOCK;
    if (firstBlock == 0 && endBlock == BLOCKS) {
      scoreTile(task.q, row * size, size, task.keys, scores);
    } else {
      for (int b = firstBlock; b < endBlock; b++) {
        scoreBlock(task.q, row * size, size, task.keys, b, scores);
      }
    }
    // What was not written, or is not to be seen, may be anything in the keys: it ends here.
    Arrays.fill(scores, firstBlock * KvCache.BLOCK, begin, Float.NEGATIVE_INFINITY);
    Arrays.fill(scores, end, endBlock * KvCache.BLOCK, Float.NEGATIVE_INFINITY);
    float max = max(scores, firstBlock, endBlock, task.max[row]);
    if (max > task.max[row]) {
      rescale(task, row, Exponential.exp(task.max[row] - max));
      task.max[row] = max;
    }
    exponentials(task, row, max, begin, end);
    accumulate(task, row * size, begin, end);
  }

  /** Scores of all four blocks: four chains of additions side by side. */
  private static void scoreTile(float[] q, int query, int size, float[] keys, float[] scores) {
    int stride = size * KvCache.BLOCK;
    for (int i = 0; i < KvCache.BLOCK; i += L) {
      FloatVector a = FloatVector.zero(FLOATS);
      FloatVector b = FloatVector.zero(FLOATS);
      FloatVector c = FloatVector.zero(FLOATS);
      FloatVector e = FloatVector.zero(FLOATS);
      for (int d = 0; d < size; d++) {
        FloatVector x = FloatVector.broadcast(FLOATS, q[query + d]);
        int key = d * KvCache.BLOCK + i;
        a = x.fma(FloatVector.fromArray(FLOATS, keys, key), a);
        b = x.fma(FloatVector.fromArray(FLOATS, keys, key + stride), b);
        c = x.fma(FloatVector.fromArray(FLOATS, keys, key + 2 * stride), c);
        e = x.fma(FloatVector.fromArray(FLOATS, keys, key + 3 * stride), e);
      }
      a.intoArray(scores, i);
      b.intoArray(scores, i + KvCache.BLOCK);
      c.intoArray(scores, i + 2 * KvCache.BLOCK);
      e.intoArray(scores, i + 3 * KvCache.BLOCK);
    }
  }

  private static void scoreBlock(
      float[] q, int query, int size, float[] keys, int block, float[] scores) {
    int first = block * size * KvCache.BLOCK;
    for (int i = 0; i < KvCache.BLOCK; i += L) {
      FloatVector a = FloatVector.zero(FLOATS);
      for (int d = 0; d < size; d++) {
        FloatVector x = FloatVector.broadcast(FLOATS, q[query + d]);
        a = x.fma(FloatVector.fromArray(FLOATS, keys, first + d * KvCache.BLOCK + i), a);
      }
      a.intoArray(scores, block * KvCache.BLOCK + i);
    }
  }

  private static float max(float[] scores, int firstBlock, int endBlock, float start) {
    FloatVector max = FloatVector.broadcast(FLOATS, start);
    for (int i = firstBlock * KvCache.BLOCK; i < endBlock * KvCache.BLOCK; i += L) {
      max = max.max(FloatVector.fromArray(FLOATS, scores, i));
    }
    return max.reduceLanes(VectorOperators.MAX);
  }

  private static void rescale(AttentionTask task, int row, float factor) {
    for (int i = 0; i < AttentionTask.LANES; i += L) {
      int at = row * AttentionTask.LANES + i;
      FloatVector.fromArray(FLOATS, task.lanes, at).mul(factor).intoArray(task.lanes, at);
    }
    int end = (row + 1) * task.headSize;
    int d = row * task.headSize;
    for (; d <= end - L; d += L) {
      FloatVector.fromArray(FLOATS, task.accumulator, d).mul(factor).intoArray(task.accumulator, d);
    }
    for (; d < end; d++) {
      task.accumulator[d] *= factor;
    }
  }

  private static void exponentials(AttentionTask task, int row, float max, int begin, int end) {
    float[] scores = task.scores;
    for (int p = begin; p < end; p++) {
      scores[p] = Exponential.exp(scores[p] - max);
    }
    int lanes = row * AttentionTask.LANES;
    for (int p = begin; p < end; p++) {
      task.lanes[lanes + p % AttentionTask.LANES] += scores[p];
    }
  }

  /** {@code accumulator += weight[p] * value[p]} in the order of positions. */
  private static void accumulate(AttentionTask task, int offset, int begin, int end) {
    int size = task.headSize;
    float[] out = task.accumulator;
    float[] values = task.values;
    float[] weights = task.scores;
    int d = 0;
    for (; d <= size - 4 * L; d += 4 * L) {
      FloatVector a = FloatVector.fromArray(FLOATS, out, offset + d);
      FloatVector b = FloatVector.fromArray(FLOATS, out, offset + d + L);
      FloatVector c = FloatVector.fromArray(FLOATS, out, offset + d + 2 * L);
      FloatVector e = FloatVector.fromArray(FLOATS, out, offset + d + 3 * L);
      for (int p = begin; p < end; p++) {
        FloatVector w = FloatVector.broadcast(FLOATS, weights[p]);
        int value = p * size + d;
        a = w.fma(FloatVector.fromArray(FLOATS, values, value), a);
        b = w.fma(FloatVector.fromArray(FLOATS, values, value + L), b);
        c = w.fma(FloatVector.fromArray(FLOATS, values, value + 2 * L), c);
        e = w.fma(FloatVector.fromArray(FLOATS, values, value + 3 * L), e);
      }
      a.intoArray(out, offset + d);
      b.intoArray(out, offset + d + L);
      c.intoArray(out, offset + d + 2 * L);
      e.intoArray(out, offset + d + 3 * L);
    }
    for (; d <= size - L; d += L) {
      FloatVector a = FloatVector.fromArray(FLOATS, out, offset + d);
      for (int p = begin; p < end; p++) {
        FloatVector w = FloatVector.broadcast(FLOATS, weights[p]);
        a = w.fma(FloatVector.fromArray(FLOATS, values, p * size + d), a);
      }
      a.intoArray(out, offset + d);
    }
    for (; d < size; d++) {
      for (int p = begin; p < end; p++) {
        out[offset + d] = Math.fma(weights[p], values[p * size + d], out[offset + d]);
      }
    }
  }

  private static void copy(MemorySegment from, long offset, float[] to, int at, int length) {
    MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, offset * 4, to, at, length);
  }

  /** Half precision to float32, exactly; {@code length} is a multiple of 16. */
  private static void convert(MemorySegment from, long offset, float[] to, int at, int length) {
    for (int i = 0; i < length; i += L) {
      IntVector h =
          (IntVector)
              ShortVector.fromMemorySegment(SHORTS, from, (offset + i) * 2, ByteOrder.LITTLE_ENDIAN)
                  .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
      IntVector magnitude = h.and(0x7fff);
      FloatVector value =
          magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(HALF_SCALE);
      // Infinity and NaN have all exponent bits set in both.
      IntVector bits =
          value
              .reinterpretAsInts()
              .lanewise(
                  VectorOperators.OR, 0x7f800000, magnitude.compare(VectorOperators.GE, 0x7c00));
      bits.or(h.and(0x8000).lanewise(VectorOperators.LSHL, 16))
          .reinterpretAsFloats()
          .intoArray(to, at + i);
    }
  }
}
