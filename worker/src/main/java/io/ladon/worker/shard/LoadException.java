package io.ladon.worker.shard;

import io.ladon.proto.FailureCode;
import org.jspecify.annotations.Nullable;

/** A shard that could not be loaded, with the code that the coordinator is told. */
public final class LoadException extends Exception {

  private final FailureCode code;

  public LoadException(FailureCode code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
  }

  public FailureCode code() {
    return code;
  }
}
