package io.ladon.worker.loop;

import java.util.concurrent.TimeUnit;

/**
 * How a rank waits for its peers before it blocks.
 *
 * @param spinNanos longest time to poll for bytes before blocking in the kernel
 * @param yield whether to offer the core to others between polls: two ranks that the system puts on
 *     one core would else wait for each other's time slices
 * @param isCrowded whether this machine runs more busy threads than it has cores: then a rank that
 *     waits leaves its core to others
 */
public record Waiting(long spinNanos, boolean yield, boolean isCrowded) {

  /** Longer than a small exchange takes on one machine, short enough to cost nothing when idle. */
  public static final long DEFAULT_SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

  private static final long CROWDED_SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
  private static final int SPINS_PER_YIELD = 16;

  public Waiting {
    if (spinNanos < 0) {
      throw new IllegalArgumentException("spinNanos: " + spinNanos + " is negative");
    }
  }

  /** On a machine that is not crowded. */
  public Waiting(long spinNanos, boolean yield) {
    this(spinNanos, yield, false);
  }

  /** The same where a machine runs more busy threads than it has cores: blocks soon. */
  public Waiting crowded() {
    return new Waiting(Math.min(spinNanos, CROWDED_SPIN_NANOS), true, true);
  }

  /** Polls once more: called between two looks for bytes that cost a system call each. */
  public void pause() {
    pause(SPINS_PER_YIELD - 1);
  }

  /**
   * Polls once more: called between two looks at memory, which are so cheap that not every one of
   * them offers the core.
   *
   * @param polls so far
   */
  @SuppressWarnings("ThreadPriorityCheck") // yielding is a choice of the caller's, and measured
  public void pause(int polls) {
    if (yield && polls % SPINS_PER_YIELD == SPINS_PER_YIELD - 1) {
      Thread.yield();
    } else {
      Thread.onSpinWait();
    }
  }
}
