package io.ladon.engine.kernel.x86;

import io.ladon.engine.checkpoint.TensorType;
import java.lang.foreign.MemorySegment;

/** The code of AMX for one type of quantised weights, ready to be called. */
public final class AmxFunctions implements PanelFunction {

  private final MemorySegment prepare;
  private final MemorySegment multiply;
  private final long[] tiles; // (MAX_TOKENS / TOKENS_STEP + 1) code for so many tokens
  private final long table;
  private final int minTokens;
  private final boolean hasMinimum;
  private final int groupPanels;
  private final int unpackedBytes;

  AmxFunctions(
      TensorType type,
      MemorySegment prepare,
      MemorySegment multiply,
      long[] tiles,
      MemorySegment table) {
    this.prepare = prepare;
    this.multiply = multiply;
    this.tiles = tiles;
    this.table = table.address();
    this.minTokens =
        switch (type) {
          case Q8_0 -> 64;
          case Q4_1 -> 48;
          default -> 32;
        };
    Format format = Format.of(type);
    this.hasMinimum = format.hasMinimum();
    this.groupPanels = AmxPanelCode.groupPanels(format);
    this.unpackedBytes =
        groupPanels * AmxParameters.SEGMENT_BLOCKS * AmxUnpackCode.blockBytes(format);
  }

  /**
   * Tokens from which on this is quicker than the code that takes fewer: unpacking must pay. Q8_0
   * is the slowest to unpack and the quickest otherwise; Q4_1 is quick without this.
   */
  public int minTokens() {
    return minTokens;
  }

  /** Address of the code for tiles of {@code tokens}, which {@link #tileTokens} has given. */
  public long tile(int tokens) {
    return tiles[tokens / AmxCode.TOKENS_STEP];
  }

  /** Tokens of each tile where {@code tokens} are shared by {@code tiles} of them. */
  public static int tileTokens(int tokens, int tiles) {
    int share = (tokens - 1) / tiles + 1;
    return (share + AmxCode.TOKENS_STEP - 1) / AmxCode.TOKENS_STEP * AmxCode.TOKENS_STEP;
  }

  /** {@link AmxParameters#RECORD_BYTES} of tiles of {@code tokens}. */
  public int recordBytes(int tokens) {
    return AmxParameters.recordBytes(tokens, hasMinimum);
  }

  /** Whether records have a second line of scales: sums times scales. */
  public boolean hasMinimum() {
    return hasMinimum;
  }

  /** For {@link AmxParameters#TABLE}. */
  public long table() {
    return table;
  }

  /** Panels whose sums are on stacks at the same time, at most. */
  public int groupPanels() {
    return groupPanels;
  }

  /** Bytes of {@link AmxParameters#UNPACKED}. */
  public int unpackedBytes() {
    return unpackedBytes;
  }

  /** Prepares some tokens of a tile; see the parameters of that name. */
  public void prepare(long parameters) {
    ExecutableMemory.call(prepare, parameters);
  }

  @Override
  public void multiply(long parameters) {
    ExecutableMemory.call(multiply, parameters);
  }
}
