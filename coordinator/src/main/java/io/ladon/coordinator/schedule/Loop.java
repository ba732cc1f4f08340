package io.ladon.coordinator.schedule;

import java.time.Duration;

/**
 * The one thread that owns the state of cluster and scheduler, with its clock. Everything that
 * happens (a worker's message, a client's request, a deadline) becomes a task here.
 */
public interface Loop {

  /** Runs a task on the loop's thread, after those that were handed over before; any thread. */
  void execute(Runnable task);

  /** Runs a task on the loop's thread once some time has passed; any thread. */
  Timer schedule(Duration delay, Runnable task);

  /** Nanoseconds of a clock that never goes back; its origin means nothing. */
  long nanoTime();

  /** Whether the caller is the loop's thread. */
  boolean inLoop();

  /** A task that waits for its time. */
  interface Timer {

    /** The task will not run, unless it has already; idempotent. */
    void cancel();
  }
}
