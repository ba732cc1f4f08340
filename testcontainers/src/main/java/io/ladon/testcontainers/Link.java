package io.ladon.testcontainers;

import java.time.Duration;

/**
 * A network that is worse than the machine's own.
 *
 * @param delay of every byte, one way
 * @param jitter added to the delay, evenly between 0 and this
 * @param bytesPerSecond in each direction of each node's link; 0 for no limit
 */
public record Link(Duration delay, Duration jitter, long bytesPerSecond) {

  public Link {
    if (delay.isNegative() || jitter.isNegative() || bytesPerSecond < 0) {
      throw new IllegalArgumentException(
          "delay, jitter and rate must not be negative: %s, %s, %d"
              .formatted(delay, jitter, bytesPerSecond));
    }
  }

  /** A link that delays. */
  public static Link ofDelay(Duration delay, Duration jitter) {
    return new Link(delay, jitter, 0);
  }

  /** A link that is narrow. */
  public static Link ofRate(long bytesPerSecond) {
    return new Link(Duration.ZERO, Duration.ZERO, bytesPerSecond);
  }
}
