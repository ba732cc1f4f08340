package io.ladon.engine.kernel.x86;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The code of attention of one tier for one layout, ready to be called. All arguments are addresses
 * and counts; counts are not 0.
 */
public final class AttentionFunctions implements AutoCloseable {

  private final AttentionLayout layout;
  private final ExecutableMemory memory;
  private final MemorySegment all;
  private final MemorySegment part;
  private final MemorySegment merge;
  private final MemorySegment finish;
  private final @Nullable MemorySegment store;

  /**
   * @throws IOException if the system refuses executable memory
   */
  AttentionFunctions(Tier tier, ConstantTable constants, AttentionLayout layout)
      throws IOException {
    Assembler a = new Assembler();
    Lanes lanes = new Lanes(a, tier.bits());
    SoftmaxCode softmax = new SoftmaxCode(lanes, constants, layout);
    AttentionCode code = new AttentionCode(lanes, layout, true);
    AttentionCode converted = new AttentionCode(lanes, layout.converted(), false);
    TilesCode.Functions functions =
        new TilesCode.Functions(
            function(a, softmax::clear),
            function(a, softmax::weigh),
            ofRows(a, lanes, code),
            function(a, code::convertKeys),
            function(a, code::convertValues),
            ofRows(a, lanes, converted));
    Label ofTiles = function(a, new TilesCode(lanes, layout, functions)::emit);
    Label ofMerge = function(a, softmax::merge);
    Label ofFinish = function(a, softmax::finish);
    AttendCode attend = new AttendCode(a, layout, ofTiles, ofMerge, ofFinish);
    Label ofAll = function(a, attend::all);
    Label ofPart = function(a, attend::part);
    boolean stores = StoreCode.serves(layout);
    Label ofStore = function(a, stores ? new StoreCode(a, layout, constants)::emit : () -> {});
    this.layout = layout;
    this.memory = ExecutableMemory.load(a.toBytes());
    this.all = memory.function(ofAll.position());
    this.part = memory.function(ofPart.position());
    this.merge = memory.function(ofMerge.position());
    this.finish = memory.function(ofFinish.position());
    this.store = stores ? memory.function(ofStore.position()) : null;
  }

  AttentionLayout layout() {
    return layout;
  }

  private static TilesCode.OfRows ofRows(Assembler a, Lanes lanes, AttentionCode code) {
    int most = AttentionCode.maxRows(lanes);
    Label[] scores = new Label[most + 1];
    Label[] values = new Label[most + 1];
    for (int i = 1; i <= most; i++) {
      int rows = i;
      scores[i] = function(a, () -> code.scores(rows));
      values[i] = function(a, () -> code.values(rows));
    }
    return new TilesCode.OfRows(scores, values);
  }

  private static Label function(Assembler a, Runnable emit) {
    a.align();
    Label begin = new Label();
    a.bind(begin);
    emit.run();
    return begin;
  }

  /**
   * Attends to all positions, and writes the results.
   *
   * @param parameters address of {@link AttentionParameters}
   */
  public void attend(long parameters) {
    ExecutableMemory.call(all, parameters);
  }

  /** Attends to the positions of one part; what is left are its states. */
  public void attendPart(long parameters) {
    ExecutableMemory.call(part, parameters);
  }

  /**
   * Stores keys and values of consecutive positions of a block, float32, as half precision, if
   * there is code for it.
   *
   * @param step bytes from one position's key, and value, to the next one's
   * @param toKey address of the key's first element in its block
   * @param toValue address of the value's
   * @return whether there is
   */
  public boolean store(long key, long value, long toKey, long toValue, int positions, long step) {
    if (store == null) {
      return false;
    }
    ExecutableMemory.call(store, key, value, toKey, toValue, positions, step);
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
