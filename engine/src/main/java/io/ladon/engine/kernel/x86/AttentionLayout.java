package io.ladon.engine.kernel.x86;

/**
 * How keys, values and the running softmax lie in memory: what the code of attention is made for.
 * Blocks are of 16 positions; keys lie (head size, 16 positions), values (16 positions, head size).
 *
 * @param element of keys and values
 * @param headSize elements of a head
 * @param scaleGroup elements of a head that share a scale, where elements are bytes; behind a
 *     block's elements follow its scales, float32, of keys (groups, 16 positions), of values (16
 *     positions, groups)
 * @param scoresStride bytes from one row's scores to the next's
 * @param stateStride bytes from one row's state to the next's; a state begins with the weighted
 *     values
 * @param lanesOffset bytes from a state to its 16 sums of exponentials
 * @param maxOffset bytes from a state to its largest score, behind all else
 */
public record AttentionLayout(
    Element element,
    int headSize,
    int scaleGroup,
    int scoresStride,
    int stateStride,
    int lanesOffset,
    int maxOffset) {

  /** Positions of a block. */
  static final int BLOCK = 1 << 4;

  static final int BLOCK_BITS = 4;

  /** Positions of a tile of the running softmax. */
  static final int TILE = 64;

  /** Positions of a part: tiles that have a running softmax of their own. */
  static final int PART = 4 * TILE;

  /** Elements of keys and values. */
  public enum Element {
    FLOAT(4),
    HALF(2),
    BYTE(1);

    private final int bytes;

    Element(int bytes) {
      this.bytes = bytes;
    }

    int bytes() {
      return bytes;
    }
  }

  /** The same of keys and values that have become float32. */
  AttentionLayout converted() {
    return new AttentionLayout(
        Element.FLOAT, headSize, scaleGroup, scoresStride, stateStride, lanesOffset, maxOffset);
  }

  /** Bytes of a position's value, its scales apart. */
  int positionBytes() {
    return headSize * element.bytes();
  }

  /** Bytes from a block's elements to its scales. */
  int scalesOffset() {
    return BLOCK * positionBytes();
  }

  /** Bytes from one block of keys, or of values, to the next. */
  int blockBytes() {
    return scalesOffset() + (element == Element.BYTE ? BLOCK * groups() * 4 : 0);
  }

  /** Bytes of a row's query, or result. */
  int headBytes() {
    return 4 * headSize;
  }

  /** Scales of a position's key or value. */
  int groups() {
    return element == Element.BYTE ? (headSize - 1) / scaleGroup + 1 : 1;
  }

  /** Elements with a scale of their own, or all. */
  int group() {
    return element == Element.BYTE ? scaleGroup : headSize;
  }
}
