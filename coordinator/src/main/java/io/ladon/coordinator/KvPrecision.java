package io.ladon.coordinator;

import java.util.Locale;

/** How ranks keep keys and values. */
public enum KvPrecision {
  /** Half floats. */
  F16(2),
  /** Floats. */
  F32(4),
  /** Bytes, with one float as their scale for each {@value #GROUP} of a head. */
  Q8(1);

  private static final int GROUP = 32;

  private final int bytes;

  KvPrecision(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one position's key, or value, of one head. */
  public long headBytes(int headSize) {
    int scales = this == Q8 ? (headSize + GROUP - 1) / GROUP : 0;
    return (long) headSize * bytes + 4L * scales;
  }

  /** What the wire contract and the command line call it. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
