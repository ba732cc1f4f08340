package io.ladon.coordinator.schedule;

/** The rows of the token embedding, encoded as in the checkpoint. */
public interface EmbeddingRows {

  /** Bytes of one row. */
  int rowBytes();

  /** Copies a token's row to {@code out[offset ..]}. */
  void copy(int token, byte[] out, int offset);
}
