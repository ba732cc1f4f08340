package io.ladon.engine.kernel.x86;

/**
 * What the code of attention is called with: offsets into a block of memory whose address is its
 * argument. All values are 8 bytes wide. The queries are those of some heads of one KV head's
 * group, for some consecutive tokens of one sequence; rows are heads of tokens, token by token.
 */
public final class AttentionParameters {

  /** Address of the first token's queries, float32, (heads, head size). */
  public static final int FROM = 0;

  /** Bytes from one token's queries to the next's. */
  public static final int FROM_STEP = 8;

  public static final int TOKENS = 16;

  /** Heads of a token: rows are heads of tokens, token by token. */
  public static final int HEADS = 24;

  /** Heads of all tokens. */
  public static final int ROWS = 32;

  /** Position of the first token. */
  public static final int POSITION = 40;

  /** Positions that a token sees, itself included; more than there are for all. */
  public static final int WINDOW = 48;

  /** Address of the numbers of the sequence's blocks, int32. */
  public static final int BLOCKS = 56;

  /** Address of the keys of block 0. */
  public static final int KEYS = 64;

  /** Address of the values of block 0. */
  public static final int VALUES = 72;

  /** Address of the first token's results, (heads, head size). */
  public static final int OUT = 80;

  /** Bytes from one token's results to the next's. */
  public static final int OUT_STEP = 88;

  /** Address of room for the queries of all rows. */
  public static final int QUERIES = 96;

  /** Address of room for the scores of a tile of all rows. */
  public static final int SCORES = 104;

  /** Address of the states of a part of all rows. */
  public static final int PART = 112;

  /** Address of room for the states of all parts so far. */
  public static final int TOTAL = 120;

  /** First position of the part. */
  public static final int PART_BEGIN = 128;

  /**
   * Address of room for keys or values of a tile as float32, (64, head size) and 256 bytes behind
   * them.
   */
  public static final int TILE = 136;

  // From here on written by the code itself.

  /** Address of the states of the part that is computed. */
  static final int STATES = 144;

  /** First position in a tile that rows that go together all see, and the end of those. */
  static final int SHARED_BEGIN = 152;

  static final int SHARED_END = 160;

  /** Where the tiles of the part end. */
  static final int TILES_END = 168;

  /** Addresses of the blocks of a tile: of keys, then of values. */
  static final int TILE_KEYS = 176;

  static final int TILE_BLOCKS = AttentionLayout.TILE / AttentionLayout.BLOCK;
  static final int TILE_VALUES = TILE_KEYS + 8 * TILE_BLOCKS;

  /** Of each row {@link #BEGIN} and {@link #END}. */
  static final int BOUNDS = TILE_VALUES + 8 * TILE_BLOCKS;

  /** First position that a row sees. */
  static final int BEGIN = 0;

  /** End of the positions that it sees. */
  static final int END = 8;

  static final int BOUNDS_BYTES = 16;
  static final int BOUNDS_BITS = 4;

  private AttentionParameters() {}

  /** Bytes of all, with what the code writes of each row. */
  public static int bytes(int rows) {
    return BOUNDS + rows * BOUNDS_BYTES;
  }
}
