package io.ladon.coordinator;

import java.util.Locale;

/** How ranks keep keys and values. */
public enum KvPrecision {
  /** Half floats. */
  F16(2),
  /** Floats. */
  F32(4);

  private final int bytes;

  KvPrecision(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** What the wire contract and the command line call it. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
