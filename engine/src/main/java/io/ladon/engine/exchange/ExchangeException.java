package io.ladon.engine.exchange;

import org.jspecify.annotations.Nullable;

/**
 * An exchange that did not happen; the message names epoch, step, layer, exchange and the rank that
 * was missing.
 */
public final class ExchangeException extends RuntimeException {

  private final long epoch;
  private final long step;
  private final int layer;
  private final ExchangePoint point;
  private final int missingRank;

  /**
   * @param missingRank the peer that did not do its part; -1 when the exchange was closed from this
   *     side
   * @param reason what happened, e.g. {@code "sent nothing for 2000 ms"}
   */
  public ExchangeException(
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
    this.epoch = epoch;
    this.step = step;
    this.layer = layer;
    this.point = point;
    this.missingRank = missingRank;
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
