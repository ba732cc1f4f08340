package io.ladon.engine.kernel.x86;

/**
 * What the code of AMX is called with, behind the {@link Parameters} that it shares with the other
 * code. All values are 8 bytes wide.
 */
public final class AmxParameters {

  /** 64 bytes: the shapes of the tile registers. */
  public static final int SHAPES = Parameters.BYTES;

  /** Address of the code for token tiles of this size. */
  public static final int TILE_CODE = SHAPES + 64;

  /** Address of the records: for each token tile, for each block one. */
  public static final int RECORDS = TILE_CODE + 8;

  /** Address of the last byte of the records. */
  public static final int RECORDS_LAST = RECORDS + 8;

  /** Bytes from a record to that of the next block. */
  public static final int RECORD_BYTES = RECORDS_LAST + 8;

  /** Bytes from a token tile's first record to the next tile's. */
  public static final int TILE_BYTES = RECORD_BYTES + 8;

  /** How many token tiles, all of {@link #TILE_TOKENS}; the last may have fewer that count. */
  public static final int TILES = TILE_BYTES + 8;

  public static final int TILE_TOKENS = TILES + 8;

  /** How many tokens count. */
  public static final int ALL_TOKENS = TILE_TOKENS + 8;

  /** Bytes of the sums on a stack, those of one panel and token tile. */
  public static final int SUM_BYTES = ALL_TOKENS + 8;

  /** Bytes from one stack of sums to the next: each token tile has one for each panel. */
  public static final int STACK_BYTES = SUM_BYTES + 8;

  /** Address of room for the weights of {@link #SEGMENT_BLOCKS}, unpacked. */
  public static final int UNPACKED = STACK_BYTES + 8;

  /** Address of {@link #RING_BYTES} on a multiple of twice as many, for dots on their way. */
  public static final int RING = UNPACKED + 8;

  /** Address of the table by which the type's quants become bfloat16. */
  public static final int TABLE = RING + 8;

  // What the code notes for itself.

  /** Blocks of the segment. */
  static final int BLOCKS = TABLE + 8;

  /** Minus the bytes of the segment's records of a token tile. */
  static final int REWIND = BLOCKS + 8;

  /** Panels of the group. */
  static final int PANELS = REWIND + 8;

  /** Bytes from a token tile's first record to that of the segment's first block. */
  static final int OFFSET = PANELS + 8;

  /** Bytes of finished sums on each stack. */
  static final int DEPTH = OFFSET + 8;

  /** 1 if a leaf begins with the segment, else 0. */
  static final int FIRST = DEPTH + 8;

  /** {@link Parameters#CLOSING}, if the segment ends a tile. */
  static final int CLOSING = FIRST + 8;

  /** Bytes of all parameters, a multiple of 64. */
  public static final int BYTES = (CLOSING + 8 + 63) / 64 * 64;

  /** Tokens of a tile at most. */
  public static final int MAX_TOKENS = 16;

  /** Blocks of a segment at most; no fewer than a super-block has. */
  static final int SEGMENT_BLOCKS = 8;

  public static final int RING_BYTES = 4096;

  // Of the code that prepares activations, besides those of Parameters.

  /** {@link #RECORD_BYTES}. */
  public static final int PREPARE_RECORD_BYTES = 40;

  /** Bytes from a record's begin to its scales. */
  public static final int PREPARE_SCALES_OFFSET = 48;

  /** Bytes of a token's activations, or of one field of all tokens, in a record. */
  public static final int LINE = 64;

  private AmxParameters() {}

  /**
   * Bytes of a record, which is what a block of a tile's activations becomes: for each token 32
   * quants as bfloat16, then a line of scales, and a line of sums times scales if the weights have
   * a minimum.
   */
  static int recordBytes(int tokens, boolean hasMinimum) {
    return (tokens + (hasMinimum ? 2 : 1)) * LINE;
  }

  /** Bytes from a record's begin to the scales of all tokens. */
  public static int scalesOffset(int tokens) {
    return tokens * LINE;
  }

  /**
   * The shapes of the tile registers.
   *
   * @param word 0 to 7: which 8 bytes of the 64
   */
  public static long shapes(int word, int tokens) {
    return switch (word) {
      case 0 -> 1; // the only palette
      case 2 -> LINE | LINE << 16 | (long) LINE << 32; // bytes of a row of dots, tokens, weights
      case 6 -> tokens | tokens << 8 | Format.ROWS << 16; // their rows
      default -> 0;
    };
  }
}
