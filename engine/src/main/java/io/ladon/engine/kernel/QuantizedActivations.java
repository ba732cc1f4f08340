package io.ladon.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Activation vectors quantised to int8 in blocks of 32 columns. Of a block with largest magnitude
 * {@code a}: {@code scale = a / 127}, {@code quant = round-to-nearest-even(x * (127 / a))}, all
 * zero where {@code a} is zero.
 *
 * @param quants (tokens, columns) int8
 * @param scales (tokens, columns / 32) float32
 * @param sums (tokens, columns / 32) int32: sums of each block's quants, derived; formats with a
 *     minimum need them
 */
public record QuantizedActivations(
    int tokens, int columns, MemorySegment quants, MemorySegment scales, MemorySegment sums) {

  /** Columns of one block. */
  public static final int BLOCK = 32;

  public static QuantizedActivations allocate(Arena arena, int tokens, int columns) {
    if (columns % BLOCK != 0) {
      throw new IllegalArgumentException(columns + " columns are no multiple of " + BLOCK);
    }
    long blocks = Math.max(1L, (long) tokens * columns / BLOCK);
    return new QuantizedActivations(
        tokens,
        columns,
        arena.allocate(blocks * BLOCK, FloatTensor.ALIGNMENT),
        arena.allocate(blocks * 4, FloatTensor.ALIGNMENT),
        arena.allocate(blocks * 4, FloatTensor.ALIGNMENT));
  }

  /** Blocks of one token. */
  public int blocks() {
    return columns / BLOCK;
  }
}
