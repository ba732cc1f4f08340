package io.ladon.engine.kernel;

import io.ladon.engine.memory.NativeMemory;
import java.util.Objects;

/**
 * Whether a product's arguments fit each other and their memory, which is off heap: for kernels
 * that address memory by number.
 */
final class ProductCheck {

  private ProductCheck() {}

  /**
   * Checks a product of quantised weights.
   *
   * @throws IllegalArgumentException if types or sizes do not fit; the message has them
   * @throws IndexOutOfBoundsException if something ends too early
   */
  static void check(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      QuantizedActivations x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    if (w.type().isFloat()) {
      throw new IllegalArgumentException(w.type() + " weights need float32 activations");
    }
    check(w, rowBegin, rowEnd, x.columns(), tokens, out, outColumn);
    Objects.checkFromIndexSize(0, tokens, x.tokens());
    long columns = (long) tokens * x.columns();
    long blocks = columns / QuantizedActivations.BLOCK;
    NativeMemory.address(x.quants(), 0, columns);
    NativeMemory.floats(x.scales(), 0, blocks);
    NativeMemory.floats(x.sums(), 0, blocks);
  }

  /** Checks a product of weights that are floats, in the same way. */
  static void check(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      FloatTensor x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    if (!w.type().isFloat()) {
      throw new IllegalArgumentException(w.type() + " weights need int8 activations");
    }
    check(w, rowBegin, rowEnd, x.columns(), tokens, out, outColumn);
    NativeMemory.floats(x.segment(), 0, (long) tokens * x.columns());
  }

  private static void check(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      int columns,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    Objects.checkFromToIndex(rowBegin, rowEnd, w.rows());
    if (columns != w.columns() || out.length != w.roots().size()) {
      throw new IllegalArgumentException(
          "%d columns and %d results for a matrix of %d columns and %d results"
              .formatted(columns, out.length, w.columns(), w.roots().size()));
    }
    for (FloatTensor result : out) {
      Objects.checkFromToIndex(outColumn + rowBegin, outColumn + rowEnd, result.columns());
      NativeMemory.floats(result.segment(), 0, (long) tokens * result.columns());
    }
  }
}
