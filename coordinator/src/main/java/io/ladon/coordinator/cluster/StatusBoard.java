package io.ladon.coordinator.cluster;

import io.ladon.coordinator.generate.WorkerStatus;
import io.ladon.coordinator.schedule.Loop;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** What the cluster's state is, for other threads to read. Written on the loop. */
public final class StatusBoard {

  /**
   * The cluster at one moment.
   *
   * @param serving whether the current epoch has proved itself
   * @param reason why not, or in what state it is
   * @param epoch the latest
   * @param workers as in {@link io.ladon.coordinator.generate.ClusterStatus}
   */
  public record Entry(boolean serving, String reason, long epoch, List<WorkerStatus> workers) {}

  private final Loop loop;
  private final long readyNanos;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private volatile Entry entry = new Entry(false, "starting", 0, List.of());
  private volatile long succeededNanos;

  /**
   * @param ready how long a step that succeeded counts
   */
  public StatusBoard(Loop loop, Duration ready) {
    this.loop = loop;
    this.readyNanos = ready.toNanos();
  }

  /** The latest. */
  public Entry entry() {
    return entry;
  }

  /** Whether a step of the current epoch has lately succeeded. */
  public boolean ready() {
    return entry.serving && loop.nanoTime() - succeededNanos <= readyNanos;
  }

  /** The entry's reason, or what is wrong beside it. */
  public String reason() {
    Entry now = entry;
    if (!now.serving || loop.nanoTime() - succeededNanos <= readyNanos) {
      return now.reason;
    }
    return "epoch %d: no step has succeeded for %d ms"
        .formatted(now.epoch, (loop.nanoTime() - succeededNanos) / 1_000_000);
  }

  void succeeded() {
    succeededNanos = loop.nanoTime();
  }

  void publish(Entry next) {
    entry = next;
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the cluster is ready; false when it is not within the limit. */
  public boolean awaitReady(Duration limit) throws InterruptedException {
    long left = limit.toNanos();
    lock.lock();
    try {
      while (!ready()) {
        if (left <= 0) {
          return false;
        }
        // A cluster that is not ready because no step succeeded lately becomes so without a change.
        long slice = Math.min(left, TimeUnit.MILLISECONDS.toNanos(100));
        left -= slice - changed.awaitNanos(slice);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }
}
