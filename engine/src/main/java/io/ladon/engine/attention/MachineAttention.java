package io.ladon.engine.attention;

import static io.ladon.engine.memory.NativeMemory.setLong;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.MachineKernels;
import io.ladon.engine.kernel.x86.AttentionFunctions;
import io.ladon.engine.kernel.x86.AttentionLayout;
import io.ladon.engine.kernel.x86.AttentionLayout.Element;
import io.ladon.engine.kernel.x86.AttentionParameters;
import io.ladon.engine.memory.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The same in machine code: one call for all parts and tiles. */
final class MachineAttention extends AttentionKernel {

  private final MachineKernels kernels;
  private final AttentionFunctions functions;

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
  }

  @Override
  String name() {
    return kernels.name();
  }

  @Override
  void attend(
      KvCache cache,
      AttentionTask task,
      FloatTensor queries,
      int row,
      int column,
      FloatTensor out,
      int outColumn) {
    prepare(cache, task, queries, row, column, task.part);
    setLong(task.parameters + AttentionParameters.OUT, address(task, out, row, outColumn));
    setLong(task.parameters + AttentionParameters.OUT_STEP, 4L * out.columns());
    functions.attend(task.parameters);
  }

  @Override
  void attendPart(
      KvCache cache,
      AttentionTask task,
      FloatTensor queries,
      int row,
      int column,
      int part,
      long states) {
    prepare(cache, task, queries, row, column, states);
    setLong(task.parameters + AttentionParameters.PART_BEGIN, (long) part * Attention.PART);
    functions.attendPart(task.parameters);
  }

  /** Writes what the code is called with. */
  private static void prepare(
      KvCache cache, AttentionTask task, FloatTensor queries, int row, int column, long states) {
    long p = task.parameters;
    setLong(p + AttentionParameters.FROM, address(task, queries, row, column));
    setLong(p + AttentionParameters.FROM_STEP, 4L * queries.columns());
    setLong(p + AttentionParameters.TOKENS, task.tokens);
    setLong(p + AttentionParameters.HEADS, task.heads);
    setLong(p + AttentionParameters.ROWS, task.rows());
    setLong(p + AttentionParameters.POSITION, task.position);
    setLong(
        p + AttentionParameters.WINDOW, task.window == 0 ? Integer.MAX_VALUE : (long) task.window);
    setLong(p + AttentionParameters.BLOCKS, task.blockNumbers);
    setLong(p + AttentionParameters.KEYS, cache.keys(task.layer, task.kvHead, 0));
    setLong(p + AttentionParameters.VALUES, cache.values(task.layer, task.kvHead, 0));
    setLong(p + AttentionParameters.QUERIES, task.queries);
    setLong(p + AttentionParameters.SCORES, task.scores);
    setLong(p + AttentionParameters.PART, states);
    setLong(p + AttentionParameters.TOTAL, task.total);
    setLong(p + AttentionParameters.TILE, task.tile);
    int first = task.firstSeen(0) / KvCache.BLOCK;
    int last = task.position(task.rows() - 1) / KvCache.BLOCK;
    MemorySegment.copy(
        task.blocks,
        first,
        NativeMemory.ALL,
        ValueLayout.JAVA_INT,
        task.blockNumbers + 4L * first,
        last + 1 - first);
  }

  /** Of the task's tokens in some columns, which are the heads'. */
  private static long address(AttentionTask task, FloatTensor x, int row, int column) {
    long columns = (long) task.heads * task.headSize;
    long index = (long) row * x.columns() + column;
    return NativeMemory.floats(x.segment(), index, (task.tokens - 1L) * x.columns() + columns);
  }

  @Override
  void merge(AttentionTask task, long part, long total) {
    functions.merge(part, total);
  }

  @Override
  void finish(AttentionTask task, long state, long out) {
    functions.finish(state, out);
  }

  @Override
  void rotate(RopeTable rope, long address, int heads, int headSize, int position, int tokens) {
    long headBytes = 4L * headSize;
    int begin = 0;
    while (begin < tokens) {
      int count = Math.min(tokens - begin, rope.rowsFrom(position + begin));
      long first = address + headBytes * heads * begin;
      long table = rope.row(position + begin);
      if (!kernels.rotate(rope.style(), rope.dimensions(), first, heads, headBytes, count, table)) {
        super.rotate(rope, first, heads, headSize, position + begin, count);
      }
      begin += count;
    }
  }

  @Override
  boolean store(long key, long value, long toKey, long toValue, int positions, long step) {
    return functions.store(key, value, toKey, toValue, positions, step);
  }
}
