package io.ladon.engine.exchange;

/** The places in a layer where ranks swap their parts. */
public enum ExchangePoint {
  /** Head outputs before the output projection (WHOLE, ROWS). */
  HEADS(0),
  /** Partial sums of the output projection (COLUMNS), or its rows' results (ROWS). */
  OUTPUT(1),
  /** Gated activations before down (WHOLE, ROWS). */
  GATED(2),
  /** Partial sums of down (COLUMNS), or its rows' results (ROWS). */
  DOWN(3),
  /** Finished tokens of a step whose sums were cut by tokens, after the output projection. */
  OUTPUT_TOKENS(4),
  /** Finished tokens of a step whose sums were cut by tokens, after down. */
  DOWN_TOKENS(5);

  private final int number;

  ExchangePoint(int number) {
    this.number = number;
  }

  /** What stands for this point on the wire. */
  public int number() {
    return number;
  }

  /** The name of the point with a number, for messages; the number itself where there is none. */
  public static String nameOf(int number) {
    for (ExchangePoint point : values()) {
      if (point.number == number) {
        return point.name();
      }
    }
    return "point " + number;
  }
}
