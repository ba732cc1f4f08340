package io.ladon.engine.kernel.x86;

/**
 * What the code is called with: offsets into a block of memory whose address is its argument. All
 * values are 8 bytes wide.
 */
public final class Parameters {

  /** Address of the first panel. */
  public static final int WEIGHTS = 0;

  /** Address behind the last panel. */
  public static final int WEIGHTS_END = 8;

  /** Bytes from one panel to the next. */
  public static final int PANEL_BYTES = 16;

  /** Address of a panel's tiles, see {@link #SCHEDULE_ENTRY}. */
  public static final int SCHEDULE = 24;

  public static final int SCHEDULE_END = 32;

  /** Address of room for the sums of the panels that go together. */
  public static final int STACK = 40;

  /** Address of the token tiles, see {@link #TOKENS_ENTRY}. */
  public static final int TOKENS = 48;

  public static final int TOKENS_END = 56;

  /** Address of the results, see {@link #OUT_ENTRY}. */
  public static final int OUTS = 64;

  public static final int OUTS_END = 72;

  /** A bit for each row of a panel that is to be written. */
  public static final int ROW_BITS = 80;

  /**
   * Address behind the last panel that the code for many tokens takes; that of the first if it
   * takes none.
   */
  public static final int MANY_END = 88;

  /** Bytes from a pair's weights to those that are fetched to the L2 cache. */
  public static final int PAIR_AHEAD = 96;

  /** Bytes from a lone panel's weights to those that are fetched to the L2 cache. */
  public static final int FAR_AHEAD = 104;

  /** The same to the L1 cache. */
  public static final int NEAR_AHEAD = 112;

  /** Address of room for a panel that is unpacked. */
  public static final int UNPACKED = 120;

  /** {@link #ROW_BITS} of a whole panel. */
  static final int ALL_ROWS = 0xFFFF;

  /** The same as 16 ints, 0 or -1. */
  public static final int ROW_LANES = 128;

  /** Two ones of 16 bits. */
  public static final int ONES = 192;

  /**
   * Bytes of the next panel to be fetched with each block of each tile of tokens, where these share
   * the fetching; what is more than {@link Format#sharedBytes} is not.
   */
  public static final int FETCH_STEP = 200;

  /** Bytes of these parameters. */
  public static final int BYTES = 256;

  /** A tile of weights: blocks, bytes of the header, and what follows ({@link #CLOSING}). */
  public static final int SCHEDULE_ENTRY = 24;

  public static final int BLOCKS = 0;

  public static final int HEADER_BYTES = 8;

  /** 0, or if a leaf ends here 1 + how many times the two topmost sums are added. */
  public static final int CLOSING = 16;

  /**
   * Some tokens: address of the code, address of the prepared activations, the first token, address
   * of the code for many tokens.
   */
  public static final int TOKENS_ENTRY = 32;

  public static final int CODE = 0;
  public static final int ACTIVATIONS = 8;
  public static final int FIRST_TOKEN = 16;
  public static final int MANY_CODE = 24;

  /** A result: address of the first row's first token, bytes from token to token. */
  public static final int OUT_ENTRY = 16;

  public static final int OUT = 0;
  public static final int OUT_STEP = 8;

  // Of the code that prepares activations.

  /** Address of the first token's activations, int8 or float32; tokens follow each other. */
  public static final int PREPARE_VALUES = 0;

  /** Address of their scales, if they are int8. */
  public static final int PREPARE_SCALES = 8;

  /** Blocks of a token. */
  public static final int PREPARE_BLOCKS = 16;

  /** Tokens of the tile. */
  public static final int PREPARE_TOKENS = 24;

  /** Address of the records, one for each token of each block. */
  public static final int PREPARE_TARGET = 32;

  // Of the code that quantises: addresses, and how many groups of blocks.

  public static final int QUANTIZE_FLOATS = 0;
  public static final int QUANTIZE_QUANTS = 8;
  public static final int QUANTIZE_SCALES = 16;
  public static final int QUANTIZE_SUMS = 24;
  public static final int QUANTIZE_GROUPS = 32;

  /** Blocks of a group, which are quantised together. */
  public static final int QUANTIZE_GROUP = 4;

  /** Where the code keeps a group's factors, and which of them are of use. */
  static final int QUANTIZE_FACTORS = 48;

  static final int QUANTIZE_USABLE = 64;

  // In a record, which is what a block of a token's activations becomes:

  static final int SCALE = 0;

  /**
   * What is added to a dot, before or after: the zero point times the sum of the quants, negated.
   * For AVX2 ({@link Format#centre}) there are two of 16 bits, of columns 0, 1 and of columns 2, 3
   * of each four.
   */
  static final int CORRECTION = 4;

  /** The sum times the scale; or the correction of a second dot. */
  static final int SECOND = 8;

  /** For AVX2: what was subtracted in {@link #CORRECTION} though the format has no zero point. */
  static final int OFFSET = 12;

  /** 32 quants of 8 bits. */
  static final int RECORD_QUANTS = 16;

  /** Where a record has the correction of one of a block's dots. */
  static int correction(int dot) {
    return dot == 0 ? CORRECTION : SECOND;
  }

  private Parameters() {}
}
