package io.ladon.worker.shard;

import java.io.IOException;

/** Packed weights on disk are not what was written; those made from the checkpoint's slices are. */
public final class DamagedShelfException extends IOException {

  DamagedShelfException(String message) {
    super(message);
  }
}
