package io.ladon.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/** CRC-32C (Castagnoli, RFC 3720), by which coordinator and workers compare slices. */
public final class Checksums {

  /** A collector that wants to start waits for a part. */
  private static final int PART = 1 << 20;

  private Checksums() {}

  /** The checksum of some memory, on or off the heap. */
  public static int crc32c(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += PART) {
      crc.update(bytes.asSlice(at, Math.min(PART, bytes.byteSize() - at)).asByteBuffer());
    }
    return (int) crc.getValue();
  }
}
