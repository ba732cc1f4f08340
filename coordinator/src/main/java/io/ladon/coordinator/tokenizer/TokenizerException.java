package io.ladon.coordinator.tokenizer;

import io.ladon.engine.checkpoint.CheckpointException;

/** A model file's tokenizer that is not supported, or whose metadata is inconsistent. */
public final class TokenizerException extends CheckpointException {

  private static final long serialVersionUID = 1L;

  /** An error that names the metadata key, or the tokenizer that is not supported. */
  public TokenizerException(String message) {
    super(message);
  }
}
