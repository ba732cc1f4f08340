package io.ladon.coordinator;

import io.ladon.coordinator.schedule.EmbeddingRows;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.model.TensorNames;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Embedding rows straight from the mapped file. Void once the file is closed. */
final class CheckpointEmbeddings implements EmbeddingRows {

  private final MemorySegment rows;
  private final int rowBytes;

  CheckpointEmbeddings(GgufFile file) throws CheckpointException {
    TensorInfo tensor = file.header().tensor(TensorNames.TOKEN_EMBEDDING);
    this.rows = file.slice(tensor.whole());
    this.rowBytes = Math.toIntExact(tensor.rowBytes());
  }

  @Override
  public int rowBytes() {
    return rowBytes;
  }

  @Override
  public void copy(int token, byte[] out, int offset) {
    MemorySegment.copy(rows, ValueLayout.JAVA_BYTE, (long) token * rowBytes, out, offset, rowBytes);
  }
}
