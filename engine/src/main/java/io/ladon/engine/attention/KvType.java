package io.ladon.engine.attention;

/** How the elements of keys and values are kept. */
public enum KvType {
  /** Half precision, rounded to nearest even when stored. */
  F16(2),
  /** As computed. */
  F32(4);

  private final int bytes;

  KvType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
