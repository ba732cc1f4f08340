package io.ladon.engine.kernel.x86;

/**
 * The vector instructions of one tier, for one format and number of tokens: what {@link
 * ProductCode} puts between its loops. Sums of some tokens and the 16 rows of a panel, or of two
 * that are a pair, are in registers, or wherever the tier keeps them.
 */
interface TileArithmetic {

  /** Panels that go together: 1, or 2 whose rows follow each other. */
  int panels();

  /** Whether it multiplies what {@link Avx2UnpackCode} unpacked. */
  default boolean unpacked() {
    return false;
  }

  /** Bytes of the sums on the stack. */
  int sumsBytes();

  /** Starts sums at zero. */
  void clear();

  /** Reads what a tile's header says once, at {@link Registers#HEADERS}. */
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
   * @param allRows whether all rows are written, or of one panel those that the parameters say
   */
  void write(int token, Gp result, boolean allRows);
}
