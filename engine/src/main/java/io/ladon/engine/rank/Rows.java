package io.ladon.engine.rank;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.QuantizedActivations;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Vectors of tokens as the next product eats them: float32, and int8 where its weights are
 * quantised.
 *
 * @param floats (tokens, columns)
 * @param quants (tokens, columns)
 */
record Rows(FloatTensor floats, QuantizedActivations quants) {

  static Rows allocate(Arena arena, int tokens, int columns) {
    return new Rows(
        FloatTensor.allocate(arena, tokens, columns),
        QuantizedActivations.allocate(arena, tokens, columns));
  }

  int columns() {
    return floats.columns();
  }

  /** Bytes of a part of one token as it travels: int8 and scales, or float32. */
  static int recordBytes(int columns, boolean quantized) {
    return quantized
        ? columns + columns / QuantizedActivations.BLOCK * Float.BYTES
        : columns * Float.BYTES;
  }

  /** Copies columns {@code [begin, end)} of a token to where they travel from. */
  void write(int token, int begin, int end, boolean quantized, MemorySegment to, long offset) {
    if (quantized) {
      MemorySegment.copy(quants.quants(), quantOffset(token, begin), to, offset, end - begin);
      MemorySegment.copy(
          quants.scales(),
          scaleOffset(token, begin),
          to,
          offset + end - begin,
          scaleBytes(begin, end));
    } else {
      MemorySegment.copy(
          floats.segment(), floatOffset(token, begin), to, offset, (end - begin) * 4L);
    }
  }

  /** The reverse of {@link #write}. */
  void read(int token, int begin, int end, boolean quantized, MemorySegment from, long offset) {
    if (quantized) {
      MemorySegment.copy(from, offset, quants.quants(), quantOffset(token, begin), end - begin);
      MemorySegment.copy(
          from,
          offset + end - begin,
          quants.scales(),
          scaleOffset(token, begin),
          scaleBytes(begin, end));
    } else {
      MemorySegment.copy(
          from, offset, floats.segment(), floatOffset(token, begin), (end - begin) * 4L);
    }
  }

  /** A view of tokens {@code [begin, end)}. */
  Rows slice(int begin, int end) {
    int count = end - begin;
    long blocks = (long) count * quants.blocks();
    return new Rows(
        slice(floats, begin, end),
        new QuantizedActivations(
            count,
            quants.columns(),
            quants.quants().asSlice(quantOffset(begin, 0), blocks * QuantizedActivations.BLOCK),
            quants.scales().asSlice(scaleOffset(begin, 0), blocks * 4),
            quants.sums().asSlice(scaleOffset(begin, 0), blocks * 4)));
  }

  /** A view of rows {@code [begin, end)} of a tensor. */
  static FloatTensor slice(FloatTensor tensor, int begin, int end) {
    long rowBytes = tensor.columns() * 4L;
    return new FloatTensor(
        tensor.segment().asSlice(begin * rowBytes, (end - begin) * rowBytes),
        end - begin,
        tensor.columns());
  }

  private long quantOffset(int token, int column) {
    return (long) token * quants.columns() + column;
  }

  private long scaleOffset(int token, int column) {
    return ((long) token * quants.blocks() + column / QuantizedActivations.BLOCK) * 4;
  }

  private long floatOffset(int token, int column) {
    return ((long) token * floats.columns() + column) * 4;
  }

  private static long scaleBytes(int begin, int end) {
    return (end - begin) / QuantizedActivations.BLOCK * 4L;
  }
}
