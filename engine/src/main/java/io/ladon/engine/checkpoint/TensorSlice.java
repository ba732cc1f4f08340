package io.ladon.engine.checkpoint;

/**
 * Rows {@code [rowBegin, rowEnd)} and columns {@code [columnBegin, columnEnd)} of a tensor, in
 * elements. Columns start and end on the tensor type's block boundaries. The bytes of a slice are
 * dense: row after row, only the blocks inside.
 */
public record TensorSlice(String tensor, int rowBegin, int rowEnd, int columnBegin, int columnEnd) {

  public int rows() {
    return rowEnd - rowBegin;
  }

  public int columns() {
    return columnEnd - columnBegin;
  }
}
