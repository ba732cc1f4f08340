package io.ladon.engine.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * Rows {@code [rowBegin, rowEnd)} and columns {@code [columnBegin, columnEnd)} of a tensor, in
 * elements. Columns start and end on the tensor type's block boundaries. The bytes of a slice are
 * dense: row after row, only the blocks inside.
 */
public record TensorSlice(String tensor, int rowBegin, int rowEnd, int columnBegin, int columnEnd) {

  // As a record's own; but those take the JVM some ms to put together when a process starts.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof TensorSlice slice
        && tensor.equals(slice.tensor)
        && rowBegin == slice.rowBegin
        && rowEnd == slice.rowEnd
        && columnBegin == slice.columnBegin
        && columnEnd == slice.columnEnd;
  }

  @Override
  public int hashCode() {
    int rows = 31 * rowBegin + rowEnd;
    int columns = 31 * columnBegin + columnEnd;
    return 31 * (31 * tensor.hashCode() + rows) + columns;
  }

  public int rows() {
    return rowEnd - rowBegin;
  }

  public int columns() {
    return columnEnd - columnBegin;
  }
}
