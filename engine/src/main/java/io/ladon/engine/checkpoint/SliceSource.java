package io.ladon.engine.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Where a rank gets the encoded bytes of its tensor slices from: a local file, or a cache filled by
 * the coordinator.
 */
public interface SliceSource {

  /**
   * The dense encoded bytes of a slice, read-only, valid until this source is closed. May be a view
   * of a mapped file.
   *
   * @throws IOException if the bytes cannot be had or fail their checksum; the message names the
   *     tensor
   */
  MemorySegment slice(TensorSlice slice) throws IOException;
}
