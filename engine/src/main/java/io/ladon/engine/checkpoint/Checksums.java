package io.ladon.worker.shard;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/** CRC-32C (Castagnoli, RFC 3720) of native memory. */
final class Checksums {

  /** A ByteBuffer's longest view, rounded down. */
  static final long PART = 1L << 30;

  private Checksums() {}

  static int crc32c(MemorySegment bytes) {
    CRC32C crc = new CRC32C();
    for (long at = 0; at < bytes.byteSize(); at += PART) {
      crc.update(bytes.asSlice(at, Math.min(PART, bytes.byteSize() - at)).asByteBuffer());
    }
    return (int) crc.getValue();
  }
}
