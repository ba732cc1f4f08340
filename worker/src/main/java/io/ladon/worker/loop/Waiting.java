package io.ladon.worker.loop;

import java.util.concurrent.TimeUnit;

/**
 * How a rank waits for its peers before it blocks.
 *
 * @param spinNanos longest time to poll for bytes before blocking in the kernel
 * @param yield whether to offer the core to others between polls: two ranks that the system puts on
 *     one core would else wait for each other's time slices
 */
public record Waiting(long spinNanos, boolean yield) {

  /** Longer than a small exchange takes on one machine, short enough to cost nothing when idle. */
  public static final long DEFAULT_SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

  public Waiting {
    if (spinNanos < 0) {
      throw new IllegalArgumentException("spinNanos: " + spinNanos + " is negative");
    }
  }

  /** Polls once more: called between two looks for bytes. */
  @SuppressWarnings("ThreadPriorityCheck") // yielding is a choice of the caller's, and measured
  public void pause() {
    if (yield) {
      Thread.yield();
    } else {
      Thread.onSpinWait();
    }
  }
}
