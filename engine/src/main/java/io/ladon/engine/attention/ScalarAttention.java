package io.ladon.engine.attention;

import io.ladon.engine.kernel.Exponential;
import io.ladon.engine.memory.NativeMemory;

/** Attention that reads like the formula. */
final class ScalarAttention extends TiledAttention {

  @Override
  String name() {
    return "scalar";
  }

  @Override
  void take(KvCache cache, AttentionTask task, int tile, long states) {
    int rows = task.rows();
    int begin = task.begin(tile, 0);
    int end = task.end(tile, rows - 1);
    read(cache, task, tile, begin, end, true);
    for (int row = 0; row < rows; row++) {
      score(task, row, task.begin(tile, row), task.end(tile, row));
    }
    read(cache, task, tile, begin, end, false);
    for (int row = 0; row < rows; row++) {
      int from = task.begin(tile, row);
      int to = task.end(tile, row);
      if (from < to) {
        weigh(task, row, from, to, states + row * task.stateStride);
      }
    }
  }

  /** Reads keys, or values, of positions of a tile into {@code task.tile}, (64, head size). */
  private static void read(
      KvCache cache, AttentionTask task, int tile, int begin, int end, boolean keys) {
    long to = task.tile + 4L * begin * task.headSize;
    for (int p = begin; p < end; p++) {
      int block = task.blocks[tile * AttentionTask.BLOCKS + p / KvCache.BLOCK];
      int slot = p % KvCache.BLOCK;
      for (int d = 0; d < task.headSize; d++, to += 4) {
        float x =
            keys
                ? cache.key(task.layer, task.kvHead, block, slot, d)
                : cache.value(task.layer, task.kvHead, block, slot, d);
        NativeMemory.setFloat(to, x);
      }
    }
  }

  private static void score(AttentionTask task, int row, int begin, int end) {
    long query = task.queries + 4L * row * task.headSize;
    long scores = task.scores + row * AttentionTask.SCORES_STRIDE;
    for (int p = begin; p < end; p++) {
      long key = task.tile + 4L * p * task.headSize;
      float score = 0f;
      for (int d = 0; d < task.headSize; d++) {
        score =
            Math.fma(
                NativeMemory.getFloat(query + 4L * d), NativeMemory.getFloat(key + 4L * d), score);
      }
      NativeMemory.setFloat(scores + 4L * p, score);
    }
  }

  private static void weigh(AttentionTask task, int row, int begin, int end, long state) {
    long scores = task.scores + row * AttentionTask.SCORES_STRIDE;
    float before = NativeMemory.getFloat(task.max(state));
    float max = before;
    for (int p = begin; p < end; p++) {
      float score = NativeMemory.getFloat(scores + 4L * p);
      max = score > max ? score : max;
    }
    if (max > before) {
      float factor = Exponential.exp(before - max);
      multiply(task.lanes(state), AttentionTask.LANES, factor);
      multiply(state, task.headSize, factor);
      NativeMemory.setFloat(task.max(state), max);
    }
    for (int p = begin; p < end; p++) {
      float weight = Exponential.exp(NativeMemory.getFloat(scores + 4L * p) - max);
      long lane = task.lanes(state) + 4L * (p % AttentionTask.LANES);
      NativeMemory.setFloat(lane, NativeMemory.getFloat(lane) + weight);
      long value = task.tile + 4L * p * task.headSize;
      for (int d = 0; d < task.headSize; d++) {
        long sum = state + 4L * d;
        NativeMemory.setFloat(
            sum,
            Math.fma(weight, NativeMemory.getFloat(value + 4L * d), NativeMemory.getFloat(sum)));
      }
    }
  }

  private static void multiply(long x, int length, float factor) {
    for (int i = 0; i < length; i++) {
      NativeMemory.setFloat(x + 4L * i, NativeMemory.getFloat(x + 4L * i) * factor);
    }
  }

  @Override
  void merge(AttentionTask task, long part, long total) {
    float partMax = NativeMemory.getFloat(task.max(part));
    float totalMax = NativeMemory.getFloat(task.max(total));
    float max = partMax > totalMax ? partMax : totalMax;
    float f = Exponential.exp(totalMax - max);
    float g = Exponential.exp(partMax - max);
    merge(task.lanes(part), g, task.lanes(total), f, AttentionTask.LANES);
    merge(part, g, total, f, task.headSize);
    NativeMemory.setFloat(task.max(total), max);
  }

  private static void merge(long part, float g, long total, float f, int length) {
    for (int i = 0; i < length; i++) {
      float before = NativeMemory.getFloat(total + 4L * i) * f;
      NativeMemory.setFloat(
          total + 4L * i, Math.fma(NativeMemory.getFloat(part + 4L * i), g, before));
    }
  }

  @Override
  void finish(AttentionTask task, long state, long out) {
    float factor = 1f / sum(task.lanes(state));
    for (int d = 0; d < task.headSize; d++) {
      NativeMemory.setFloat(out + 4L * d, NativeMemory.getFloat(state + 4L * d) * factor);
    }
  }
}
