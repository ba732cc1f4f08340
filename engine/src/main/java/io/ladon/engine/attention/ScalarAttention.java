package io.ladon.engine.attention;

import io.ladon.engine.kernel.Exponential;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Attention that reads like the formula. */
final class ScalarAttention extends AttentionKernel {

  @Override
  String name() {
    return "scalar";
  }

  @Override
  void load(KvCache cache, AttentionTask task, int firstBlock, int count) {
    int blockElements = KvCache.BLOCK * task.headSize;
    for (int b = 0; b * KvCache.BLOCK < count; b++) {
      int block = task.blocks[firstBlock + b];
      long keys = cache.keys(task.layer, task.kvHead, block);
      long values = cache.values(task.layer, task.kvHead, block);
      copy(cache, keys, task.keys, b * blockElements, blockElements);
      copy(cache, values, task.values, b * blockElements, blockElements);
    }
  }

  @Override
  void take(AttentionTask task, int row, int begin, int end) {
    int size = task.headSize;
    int q = row * size;
    float[] scores = task.scores;
    float max = task.max[row];
    for (int p = begin; p < end; p++) {
      int key = p / KvCache.BLOCK * KvCache.BLOCK * size + p % KvCache.BLOCK;
      float score = 0f;
      for (int d = 0; d < size; d++) {
        score = Math.fma(task.q[q + d], task.keys[key + d * KvCache.BLOCK], score);
      }
      scores[p] = score;
      max = Math.max(max, score);
    }
    if (max > task.max[row]) {
      float factor = Exponential.exp(task.max[row] - max);
      for (int i = 0; i < AttentionTask.LANES; i++) {
        task.lanes[row * AttentionTask.LANES + i] *= factor;
      }
      for (int d = 0; d < size; d++) {
        task.accumulator[q + d] *= factor;
      }
      task.max[row] = max;
    }
    for (int p = begin; p < end; p++) {
      float weight = Exponential.exp(scores[p] - max);
      task.lanes[row * AttentionTask.LANES + p % AttentionTask.LANES] += weight;
      for (int d = 0; d < size; d++) {
        task.accumulator[q + d] =
            Math.fma(weight, task.values[p * size + d], task.accumulator[q + d]);
      }
    }
  }

  private static void copy(KvCache cache, long from, float[] to, int offset, int length) {
    MemorySegment segment = cache.segment();
    if (cache.type() == KvType.F32) {
      MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT, from * 4, to, offset, length);
      return;
    }
    for (int i = 0; i < length; i++) {
      to[offset + i] = Float.float16ToFloat(segment.getAtIndex(ValueLayout.JAVA_SHORT, from + i));
    }
  }
}
