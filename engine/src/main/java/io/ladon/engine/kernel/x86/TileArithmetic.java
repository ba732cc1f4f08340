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

  /** Adds the sums at {@link Registers#STACK}, which has just been lowered to them. */
  void addStack();

  /** Has the sums at {@link Registers#STACK}. */
  void push();

  /**
   * Writes one token's sums from the stack to a result.
   *
   * @param token of the tile
   * @param result holds the address
   * @param allRows whether all 16 rows are written, or those that the parameters say
   */
  void write(int token, Gp result, boolean allRows);
}
