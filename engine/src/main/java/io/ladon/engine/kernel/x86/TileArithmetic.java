package io.ladon.engine.kernel.x86;

/**
 * The vector instructions of one tier, for one format and number of tokens: what {@link
 * ProductCode} puts between its loops. Sums of 16 rows and some tokens are in registers, or
 * wherever the tier keeps them.
 */
interface TileArithmetic {

  /** Bytes of the sums on the stack. */
  int sumsBytes();

  /** Starts sums at zero. */
  void clear();

  /** Reads what a tile's header says once, at {@link Registers#HEADER}. */
  void beginTile();

  /** Adds a block to the sums. */
  void addBlock();

  /** Adds the sums at {@link Registers#STACK}. */
  void addStack();

  /** Stores the sums at {@link Registers#STACK}. */
  void push();

  /**
   * Writes one token's sums from the stack to a result, those rows that are to be written.
   *
   * @param token of the tile
   */
  void write(int token, Memory result);
}
