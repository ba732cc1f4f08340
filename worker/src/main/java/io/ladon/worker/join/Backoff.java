package io.ladon.worker.join;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Pauses between attempts: each up to twice as long as the one before, never longer than a limit,
 * and shortened by up to a half at random, so that many workers do not return at once.
 */
final class Backoff {

  private final long firstNanos;
  private final long limitNanos;
  private final RandomGenerator random;
  private long nextNanos;

  Backoff(Duration first, Duration limit, RandomGenerator random) {
    if (first.isNegative() || first.isZero() || limit.compareTo(first) < 0) {
      throw new IllegalArgumentException("no pauses from %s to %s".formatted(first, limit));
    }
    this.firstNanos = first.toNanos();
    this.limitNanos = limit.toNanos();
    this.random = random;
    this.nextNanos = firstNanos;
  }

  /** Nanoseconds until the next attempt. */
  long next() {
    long pause = nextNanos - random.nextLong(nextNanos / 2 + 1);
    nextNanos = Math.min(limitNanos, nextNanos * 2);
    return pause;
  }

  /** An attempt has succeeded. */
  void reset() {
    nextNanos = firstNanos;
  }
}
