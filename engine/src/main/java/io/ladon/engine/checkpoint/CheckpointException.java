package io.ladon.engine.checkpoint;

import java.io.IOException;

/**
 * A checkpoint that cannot be used: truncated, inconsistent, or asking for something that this
 * engine does not do. The message names the metadata key or tensor, and the byte of the file where
 * it stands.
 */
public class CheckpointException extends IOException {

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
