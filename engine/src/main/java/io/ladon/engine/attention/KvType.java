package io.ladon.engine.attention;

/** How the elements of keys and values are kept. */
public enum KvType {
  /**
   * Half precision, rounded to nearest even when stored. What is beyond its range is kept as its
   * largest value, {@code 65504}: there are no infinities, and NaN becomes {@code -65504}.
   */
  F16(2),

  /** As computed. */
  F32(4),

  /**
   * int8 with one float32 scale for each {@value #GROUP} consecutive elements of a head (fewer in a
   * last group that they do not fill): {@code scale = largest magnitude / 127}, quants rounded to
   * nearest even. An element is read back as {@code quant * scale}; it is off by at most half a
   * scale, and 1 / 254 of the largest magnitude in its group.
   */
  Q8(1);

  /** Elements that share a scale. */
  static final int GROUP = 32;

  private final int bytes;

  KvType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element, scales apart. */
  int bytes() {
    return bytes;
  }

  /** Scales of one position's key, or value, of one head. */
  int scales(int headSize) {
    return this == Q8 ? (headSize + GROUP - 1) / GROUP : 0;
  }

  /** Bytes of the keys, or of the values, of one block of one head, scales included. */
  long blockBytes(int headSize) {
    return KvCache.BLOCK * ((long) headSize * bytes + 4L * scales(headSize));
  }
}
