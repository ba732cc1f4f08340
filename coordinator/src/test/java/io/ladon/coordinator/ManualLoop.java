package io.ladon.coordinator;

import io.ladon.coordinator.schedule.Loop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A loop that runs on the test's thread, when the test says so, with a clock that the test sets.
 */
public final class ManualLoop implements Loop {

  private static final int MANY_TASKS = 1_000_000;

  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private final List<Waiting> timers = new ArrayList<>();
  private long nowNanos = 1_000_000_007L;

  private static final class Waiting {
    final long dueNanos;
    final Runnable task;

    Waiting(long dueNanos, Runnable task) {
      this.dueNanos = dueNanos;
      this.task = task;
    }
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    Waiting waiting = new Waiting(nowNanos + delay.toNanos(), task);
    timers.add(waiting);
    return () -> timers.remove(waiting);
  }

  @Override
  public long nanoTime() {
    return nowNanos;
  }

  @Override
  public boolean inLoop() {
    return true;
  }

  /** Runs what is there, and what comes of it; the clock stands. */
  public void run() {
    int count = 0;
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
      if (++count > MANY_TASKS) {
        throw new AssertionError("the loop does not come to rest");
      }
    }
  }

  /** Runs one task, if there is one. */
  public boolean runOne() {
    Runnable task = tasks.poll();
    if (task != null) {
      task.run();
    }
    return task != null;
  }

  /** Moves the clock, running timers at their time and the tasks that come of them. */
  public void advance(Duration duration) {
    run();
    long until = nowNanos + duration.toNanos();
    while (true) {
      Waiting next =
          timers.stream()
              .filter(t -> t.dueNanos <= until)
              .min(Comparator.comparingLong(t -> t.dueNanos))
              .orElse(null);
      if (next == null) {
        break;
      }
      timers.remove(next);
      nowNanos = Math.max(nowNanos, next.dueNanos);
      next.task.run();
      run();
    }
    nowNanos = until;
  }
}
