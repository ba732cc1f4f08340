package io.ladon.engine.exchange;

import org.jspecify.annotations.Nullable;

/**
 * An exchange that did not happen; the message names epoch, step, layer, exchange and the rank that
 * was missing.
 */
public final class ExchangeException extends RuntimeException {

  /** What kind of thing went wrong. */
  public enum Kind {
    /** A peer did not do its part before the deadline. */
    TIMEOUT,
    /** A peer sent something else than what was due. */
    MISMATCH,
    /** The way to a peer broke. */
    LOST,
    /** Closed from this side, or broken by an earlier exception. */
    CLOSED
  }

  private final Kind kind;
  private final long epoch;
  private final long step;
  private final int layer;
  private final ExchangePoint point;
  private final int missingRank;

  /** The same, of kind CLOSED where no rank is missing and TIMEOUT otherwise. */
  public ExchangeException(
      long epoch,
      long step,
      int layer,
      ExchangePoint point,
      int missingRank,
      String reason,
      @Nullable Throwable cause) {
    this(
        missingRank < 0 ? Kind.CLOSED : Kind.TIMEOUT,
        epoch,
        step,
        layer,
        point,
        missingRank,
        reason,
        cause);
  }

  /**
   * @param missingRank the peer that did not do its part; -1 when the exchange was closed from this
   *     side
   * @param reason what happened, e.g. {@code "sent nothing for 2000 ms"}
   */
  public ExchangeException(
      Kind kind,
      long epoch,
      long step,
      int layer,
      ExchangePoint point,
      int missingRank,
      String reason,
      @Nullable Throwable cause) {
    super(
        "epoch %d, step %d, layer %d, exchange %s: %s%s"
            .formatted(
                epoch,
                step,
                layer,
                point,
                missingRank < 0 ? "" : "rank " + missingRank + " ",
                reason),
        cause);
    this.kind = kind;
    this.epoch = epoch;
    this.step = step;
    this.layer = layer;
    this.point = point;
    this.missingRank = missingRank;
  }

  public Kind kind() {
    return kind;
  }

  public long epoch() {
    return epoch;
  }

  public long step() {
    return step;
  }

  public int layer() {
    return layer;
  }

  public ExchangePoint point() {
    return point;
  }

  public int missingRank() {
    return missingRank;
  }
}
