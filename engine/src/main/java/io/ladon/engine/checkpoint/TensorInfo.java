package io.ladon.engine.checkpoint;

/**
 * One tensor of a checkpoint: a matrix of {@code rows} x {@code columns} elements, row-major; a
 * vector has one row.
 *
 * @param name as in the file, e.g. {@code blk.0.attn_q.weight}
 * @param type encoding of its elements
 * @param rows outputs of the matrix (GGUF's second dimension; further ones are 1)
 * @param columns inputs of the matrix (GGUF's first dimension)
 * @param offset bytes from the start of the checkpoint's data section
 */
public record TensorInfo(String name, TensorType type, int rows, int columns, long offset) {

  /** Bytes of one row. */
  public long rowBytes() {
    return type.bytesFor(columns);
  }

  /** Bytes of the whole tensor. */
  public long bytes() {
    return rowBytes() * rows;
  }

  /** All of this tensor as a slice. */
  public TensorSlice whole() {
    return new TensorSlice(name, 0, rows, 0, columns);
  }
}
