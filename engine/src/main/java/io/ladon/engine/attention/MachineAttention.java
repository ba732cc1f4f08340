package io.ladon.engine.attention;

import io.ladon.engine.kernel.MachineKernels;
import io.ladon.engine.kernel.x86.AttentionFunctions;
import io.ladon.engine.kernel.x86.AttentionLayout;
import io.ladon.engine.kernel.x86.AttentionLayout.Element;
import io.ladon.engine.memory.NativeMemory;

/** The same in machine code. What rows see of a tile is worked out here. */
final class MachineAttention extends AttentionKernel {

  private final MachineKernels kernels;
  private final AttentionFunctions functions;
  private final int together;

  MachineAttention(MachineKernels kernels, KvCache cache) {
    this.kernels = kernels;
    long stateBytes = AttentionTask.stateBytes(cache.headSize());
    this.functions =
        kernels.attention(
            new AttentionLayout(
                switch (cache.type()) {
                  case F32 -> Element.FLOAT;
                  case F16 -> Element.HALF;
                  case Q8 -> Element.BYTE;
                },
                cache.headSize(),
                KvType.GROUP,
                (int) AttentionTask.SCORES_STRIDE,
                (int) stateBytes,
                (int) AttentionTask.lanesOffset(stateBytes),
                (int) AttentionTask.maxOffset(stateBytes)));
    this.together = functions.blocksTogether();
  }

  @Override
  String name() {
    return kernels.name();
  }

  @Override
  void take(KvCache cache, AttentionTask task, int tile, long states) {
    int rows = task.rows();
    for (int row = 0; row < rows; row += functions.maxRows()) {
      scores(cache, task, tile, row, Math.min(rows - row, functions.maxRows()));
    }
    weigh(task, tile, states);
    for (int row = 0; row < rows; row += functions.maxRows()) {
      accumulate(cache, task, tile, row, Math.min(rows - row, functions.maxRows()), states);
    }
  }

  /** Scores of some rows for the blocks in which any of them sees a position, and some around. */
  private void scores(KvCache cache, AttentionTask task, int tile, int row, int count) {
    int begin = task.begin(tile, row) / KvCache.BLOCK;
    int end = blockEnd(task.end(tile, row + count - 1));
    if (begin >= end) {
      return;
    }
    int first = begin / together * together;
    int last = AttentionTask.roundUp(end, together);
    for (int b = first; b < last; b++) {
      int seen = Math.clamp(b, begin, end - 1);
      int block = task.blocks[tile * AttentionTask.BLOCKS + seen];
      functions.block(task.entries + 8L * (b - first), cache.keys(task.layer, task.kvHead, block));
    }
    long queries = task.queries + 4L * row * task.headSize;
    long target = scores(task, row, first * KvCache.BLOCK);
    functions.scores(count, queries, target, task.entries, last - first);
  }

  /** Tokens that see the same positions of the tile are weighed together. */
  private void weigh(AttentionTask task, int tile, long states) {
    int rows = task.rows();
    int row = 0;
    while (row < rows) {
      int begin = task.begin(tile, row);
      int end = task.end(tile, row);
      int next = row + task.heads;
      while (next < rows && task.begin(tile, next) == begin && task.end(tile, next) == end) {
        next += task.heads;
      }
      if (begin < end) {
        int first = begin / KvCache.BLOCK;
        int last = blockEnd(end);
        for (int r = row; r < next; r++) {
          hide(task, r, first * KvCache.BLOCK, begin);
          hide(task, r, end, last * KvCache.BLOCK);
        }
        long target = scores(task, row, first * KvCache.BLOCK);
        functions.weigh(next - row, target, states + row * task.stateStride, last - first);
      }
      row = next;
    }
  }

  /** What was not written, or is not to be seen, may be anything in the keys: it ends here. */
  private static void hide(AttentionTask task, int row, int begin, int end) {
    for (int p = begin; p < end; p++) {
      NativeMemory.setFloat(scores(task, row, p), Float.NEGATIVE_INFINITY);
    }
  }

  /**
   * Weighted values of some rows: together where all see a position, and before and behind that one
   * by one, for what a row does not see must not even be multiplied by 0.
   */
  private void accumulate(
      KvCache cache, AttentionTask task, int tile, int row, int count, long states) {
    // Later rows begin and end later.
    int begin = task.begin(tile, row + count - 1);
    int end = Math.max(begin, task.end(tile, row));
    for (int r = row; r < row + count; r++) {
      int until = Math.min(begin, task.end(tile, r));
      accumulate(cache, task, tile, r, 1, task.begin(tile, r), until, states);
    }
    accumulate(cache, task, tile, row, count, begin, Math.min(end, task.end(tile, row)), states);
    for (int r = row; r < row + count; r++) {
      int from = Math.max(end, task.begin(tile, r));
      accumulate(cache, task, tile, r, 1, from, task.end(tile, r), states);
    }
  }

  private void accumulate(
      KvCache cache,
      AttentionTask task,
      int tile,
      int row,
      int count,
      int begin,
      int end,
      long states) {
    if (begin >= end) {
      return;
    }
    long entry = task.entries;
    for (int p = begin; p < end; entry += AttentionFunctions.ENTRY) {
      int slot = p % KvCache.BLOCK;
      int positions = Math.min(end - p, KvCache.BLOCK - slot);
      int block = task.blocks[tile * AttentionTask.BLOCKS + p / KvCache.BLOCK];
      long values = cache.values(task.layer, task.kvHead, block);
      functions.entry(entry, values, slot, scores(task, row, p), positions);
      p += positions;
    }
    functions.values(count, task.entries, entry, states + row * task.stateStride);
  }

  private static long scores(AttentionTask task, int row, int position) {
    return task.scores + row * AttentionTask.SCORES_STRIDE + 4L * position;
  }

  private static int blockEnd(int position) {
    return (position + KvCache.BLOCK - 1) / KvCache.BLOCK;
  }

  @Override
  void merge(AttentionTask task, long part, long total) {
    functions.merge(part, total);
  }

  @Override
  void clear(AttentionTask task, long states, int rows) {
    functions.clear(states, rows);
  }

  @Override
  void finish(AttentionTask task, long state, long out) {
    functions.finish(state, out);
  }

  @Override
  void rotate(RopeTable rope, long address, int heads, int headSize, int position) {
    long headBytes = 4L * headSize;
    if (!kernels.rotate(
        rope.style(), rope.dimensions(), address, heads, headBytes, rope.row(position))) {
      super.rotate(rope, address, heads, headSize, position);
    }
  }

  @Override
  boolean store(long key, long value, long toKey, long toValue) {
    return functions.store(key, value, toKey, toValue);
  }
}
