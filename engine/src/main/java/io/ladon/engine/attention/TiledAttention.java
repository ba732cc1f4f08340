package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.memory.NativeMemory;
import java.lang.foreign.MemorySegment;

/** Kernels in Java: all parts and tiles, one after the other. */
abstract class TiledAttention extends AttentionKernel {

  /**
   * Takes the positions of a tile that they see into the states of all rows.
   *
   * @param states address of the rows' states
   */
  abstract void take(KvCache cache, AttentionTask task, int tile, long states);

  @Override
  final void attend(
      KvCache cache,
      AttentionTask task,
      FloatTensor queries,
      int row,
      int column,
      FloatTensor out,
      int outColumn) {
    read(task, queries, row, column);
    parts(cache, task);
    write(task, out, row, outColumn);
  }

  @Override
  final void attendPart(
      KvCache cache,
      AttentionTask task,
      FloatTensor queries,
      int row,
      int column,
      int part,
      long states) {
    read(task, queries, row, column);
    part(cache, task, part, states);
  }

  /** Computes a part of all rows, from cleared states. */
  private void part(KvCache cache, AttentionTask task, int part, long states) {
    int rows = task.rows();
    task.clear(states, AttentionTask.roundUp(rows, AttentionTask.TOGETHER));
    int first = task.firstSeen(0) / AttentionTask.TILE;
    int last = task.position(rows - 1) / AttentionTask.TILE;
    int begin = Math.max(first, part * AttentionTask.PART_TILES);
    int end = Math.min(last + 1, (part + 1) * AttentionTask.PART_TILES);
    for (int tile = begin; tile < end; tile++) {
      take(cache, task, tile, states);
    }
  }

  /** Computes and merges all parts; the result is in {@code task.total}. */
  private void parts(KvCache cache, AttentionTask task) {
    int rows = task.rows();
    int last = Attention.part(task.position(rows - 1));
    for (int part = Attention.part(task.firstSeen(0)); part <= last; part++) {
      part(cache, task, part, task.part);
      for (int row = 0; row < rows; row++) {
        int firstOfRow = Attention.part(task.firstSeen(row));
        if (firstOfRow <= part && part <= Attention.part(task.position(row))) {
          add(task, task.part + row * task.stateStride, row, part == firstOfRow);
        }
      }
    }
  }

  /** Copies the queries to {@code task.queries}; those of rows without a meaning become 0. */
  private static void read(AttentionTask task, FloatTensor queries, int firstToken, int column) {
    long tokenBytes = 4L * task.heads * task.headSize;
    for (int t = 0; t < task.tokens; t++) {
      long from = ((long) (firstToken + t) * queries.columns() + column) * 4;
      MemorySegment.copy(
          queries.segment(), from, NativeMemory.ALL, task.queries + t * tokenBytes, tokenBytes);
    }
    long rowBytes = 4L * task.headSize;
    int rows = task.rows();
    int computed = AttentionTask.roundUp(rows, AttentionTask.TOGETHER);
    AttentionTask.zero(task.queries + rows * rowBytes, (computed - rows) * rowBytes);
  }
}
