package io.ladon.engine.exchange;

/**
 * The places in a layer where ranks swap their parts. The ordinal goes on the wire: add at the end
 * only.
 */
public enum ExchangePoint {
  /** Head outputs before the output projection (WHOLE, ROWS). */
  HEADS,
  /** Partial sums of the output projection (COLUMNS), or its rows' results (ROWS). */
  OUTPUT,
  /** Gated activations before down (WHOLE, ROWS). */
  GATED,
  /** Partial sums of down (COLUMNS), or its rows' results (ROWS). */
  DOWN,
  /** Finished tokens of a step whose sums were cut by tokens, after the output projection. */
  OUTPUT_TOKENS,
  /** Finished tokens of a step whose sums were cut by tokens, after down. */
  DOWN_TOKENS
}
