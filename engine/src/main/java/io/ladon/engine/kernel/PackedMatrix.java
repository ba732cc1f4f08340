package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One rank's part of a weight matrix, in the layout that kernels read. Packing is lossless: {@link
 * #decode} gives exactly what the checkpoint's blocks decode to.
 */
public final class PackedMatrix {

  // Skeleton: fields and layout belong to the kernels' author.

  /**
   * Packs encoded rows.
   *
   * @param type encoding of {@code encoded}
   * @param encoded dense rows of {@code encodedColumns} elements each
   * @param columnBegin first column of the encoded rows to keep, a multiple of 32
   * @param columns columns to keep, a multiple of 32
   * @param leafColumns columns of one leaf (the last may be narrower); {@code columns} for a matrix
   *     without leaves
   * @param tree of the whole sum, over all ranks
   * @param leaves those that {@code columns} are
   */
  public static PackedMatrix pack(
      Arena arena,
      TensorType type,
      MemorySegment encoded,
      int rows,
      int encodedColumns,
      int columnBegin,
      int columns,
      int leafColumns,
      LeafTree tree,
      Range leaves) {
    throw new UnsupportedOperationException();
  }

  public int rows() {
    throw new UnsupportedOperationException();
  }

  public int columns() {
    throw new UnsupportedOperationException();
  }

  public TensorType type() {
    throw new UnsupportedOperationException();
  }

  /** Bytes in memory. */
  public long bytes() {
    throw new UnsupportedOperationException();
  }

  /** Complete subtrees that this matrix's leaves make: a product has one result for each. */
  public List<Range> roots() {
    throw new UnsupportedOperationException();
  }

  /** Writes row {@code row} as float32 to {@code out}. */
  public void decode(int row, float[] out) {
    throw new UnsupportedOperationException();
  }
}
