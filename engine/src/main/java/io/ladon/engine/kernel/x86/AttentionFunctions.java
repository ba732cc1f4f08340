package io.ladon.engine.kernel.x86;

import io.ladon.engine.memory.NativeMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The code of attention of one tier for one layout, ready to be called. All arguments are addresses
 * and counts; counts are not 0.
 */
public final class AttentionFunctions implements AutoCloseable {

  /** Bytes of the entries that {@link #entry} writes. */
  public static final int ENTRY = AttentionCode.ENTRY;

  private final ExecutableMemory memory;
  private final AttentionLayout layout;
  private final int blocksTogether;
  private final MemorySegment clear;
  private final MemorySegment weigh;
  private final MemorySegment merge;
  private final MemorySegment finish;
  private final @Nullable MemorySegment store;
  private final MemorySegment[] scores; // by rows
  private final MemorySegment[] values; // by rows

  /**
   * @throws IOException if the system refuses executable memory
   */
  AttentionFunctions(Tier tier, ConstantTable constants, AttentionLayout layout)
      throws IOException {
    this.layout = layout;
    Assembler a = new Assembler();
    Lanes lanes = new Lanes(a, tier.bits());
    SoftmaxCode softmax = new SoftmaxCode(lanes, constants, layout);
    AttentionCode code = new AttentionCode(lanes, layout);
    int most = AttentionCode.maxRows(lanes);
    int[] begins = new int[4 + 2 * most];
    boolean stores = AttentionCode.stores(layout);
    if (stores) {
      code.store(constants);
    }
    int count = 0;
    for (Runnable function :
        new Runnable[] {softmax::clear, softmax::weigh, softmax::merge, softmax::finish}) {
      begins[count++] = a.align();
      function.run();
    }
    for (int rows = 1; rows <= most; rows++) {
      begins[count++] = a.align();
      code.scores(rows);
      begins[count++] = a.align();
      code.values(rows);
    }
    this.blocksTogether = tier.bits() / 256;
    this.memory = ExecutableMemory.load(a.toBytes());
    this.store = stores ? memory.function(0) : null;
    this.clear = memory.function(begins[0]);
    this.weigh = memory.function(begins[1]);
    this.merge = memory.function(begins[2]);
    this.finish = memory.function(begins[3]);
    this.scores = new MemorySegment[most + 1];
    this.values = new MemorySegment[most + 1];
    for (int rows = 1; rows <= most; rows++) {
      scores[rows] = memory.function(begins[2 + 2 * rows]);
      values[rows] = memory.function(begins[3 + 2 * rows]);
    }
  }

  /** Rows that go over keys and values together, at most. */
  public int maxRows() {
    return scores.length - 1;
  }

  /** Blocks whose scores are computed together; a number of blocks is rounded up to it. */
  public int blocksTogether() {
    return blocksTogether;
  }

  /** Makes states those of no position. */
  public void clear(long states, int rows) {
    ExecutableMemory.call(clear, states, rows, 0, 0, 0, 0);
  }

  /**
   * Scores of some rows.
   *
   * @param queries (rows, head size)
   * @param target scores of the first row
   * @param blocks addresses of blocks of keys
   * @param count of the blocks, a multiple of {@link #blocksTogether}
   */
  public void scores(int rows, long queries, long target, long blocks, int count) {
    ExecutableMemory.call(scores[rows], queries, target, blocks, count / blocksTogether, 0, 0);
  }

  /**
   * Makes weights of the scores of some blocks, in place, and takes them into the states.
   *
   * @param target scores of the first row, of the first block
   * @param states of the rows
   */
  public void weigh(int rows, long target, long states, int blocks) {
    ExecutableMemory.call(weigh, target, states, blocks, rows, 0, 0);
  }

  /**
   * Writes an entry for {@link #values}: consecutive positions of a block.
   *
   * @param block address of the block's values
   * @param slot first position in the block
   * @param weight address of the first row's weight of the first position
   */
  public void entry(long entry, long block, int slot, long weight, int positions) {
    long bytes = (long) layout.headSize() * layout.element().bytes();
    long scales = block + layout.scalesOffset() + 4L * slot * layout.groups();
    NativeMemory.setLong(entry + AttentionCode.VALUES, block + slot * bytes);
    NativeMemory.setLong(entry + AttentionCode.SCALES, scales);
    NativeMemory.setLong(entry + AttentionCode.WEIGHTS, weight);
    NativeMemory.setLong(entry + AttentionCode.POSITIONS, positions);
  }

  /** Writes the address of a block of keys for {@link #scores}. */
  public void block(long entry, long address) {
    NativeMemory.setLong(entry, address);
  }

  /** Adds weighted values to the states of some rows. */
  public void values(int rows, long entries, long entriesEnd, long states) {
    ExecutableMemory.call(values[rows], entries, entriesEnd, states, 0, 0, 0);
  }

  /**
   * Stores a position's key and value, float32, as half precision, if there is code for it.
   *
   * @param toKey address of the key's first element in its block
   * @param toValue address of the value's
   * @return whether there is
   */
  public boolean store(long key, long value, long toKey, long toValue) {
    if (store == null) {
      return false;
    }
    ExecutableMemory.call(store, key, value, toKey, toValue, 0, 0);
    return true;
  }

  /** Merges the state of a next part into that of the parts before. */
  public void merge(long next, long before) {
    ExecutableMemory.call(merge, next, before, 0, 0, 0, 0);
  }

  /** Divides the weighted values of a state by its sum of exponentials. */
  public void finish(long state, long out) {
    ExecutableMemory.call(finish, state, out, 0, 0, 0, 0);
  }

  @Override
  public void close() {
    memory.close();
  }
}
