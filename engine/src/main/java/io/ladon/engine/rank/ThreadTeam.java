package io.ladon.engine.rank;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one rank: the caller and its helpers. They share rows, heads or tokens of one
 * task, never a sum, so results do not depend on who does what.
 *
 * <p>Items are claimed in small consecutive ranges from one counter: a helper that the system holds
 * back delays the caller by no more than the range it has claimed. Between tasks helpers spin for
 * {@value #SPIN_NANOS} ns, then park; on a machine with fewer cores than threads they park at once.
 */
public final class ThreadTeam implements AutoCloseable {

  private static final long SPIN_NANOS = 40_000;

  /** Spins between two looks at the clock. */
  private static final int SPINS = 64;

  /** Ranges that a thread claims of a task, about. */
  private static final int CLAIMS = 4;

  /** Item number of a counter from which nothing can be claimed. */
  private static final int CLOSED = Integer.MAX_VALUE;

  private final List<Helper> helpers = new ArrayList<>();
  private final int threads;
  private final boolean crowded;

  /** Number of the task in the upper half, next item in the lower. */
  private final AtomicLong ticket = new AtomicLong(pack(0, CLOSED));

  private final AtomicInteger itemsDone = new AtomicInteger();
  private volatile @Nullable Throwable failure;
  private volatile boolean closed;

  // Written only while the ticket is closed, so that whoever claims items sees those of its task.
  private volatile IntRangeTask task = (thread, begin, end) -> {};
  private volatile int items;
  private volatile int grain = 1;

  /** A team whose helpers spin for a moment between tasks. */
  public ThreadTeam(int threads) {
    this(threads, false);
  }

  /**
   * @param threads the caller and its helpers, at least 1
   * @param crowded whether this machine runs more compute threads than it has cores: helpers then
   *     park at once
   */
  public ThreadTeam(int threads, boolean crowded) {
    if (threads < 1) {
      throw new IllegalArgumentException("a team of " + threads + " threads");
    }
    this.threads = threads;
    this.crowded = crowded;
    for (int i = 1; i < threads; i++) {
      helpers.add(new Helper(i));
    }
    helpers.forEach(helper -> helper.thread.start());
  }

  /** The caller and its helpers. */
  public int threads() {
    return threads;
  }

  /** Does items {@code [0, count)} of a task in ranges of a size that suits the team. */
  public void run(int count, IntRangeTask work) {
    run(count, Math.max(1, count / (threads * CLAIMS)), work);
  }

  /**
   * Does items {@code [0, count)} of a task; the caller takes part and returns when all are done.
   * Only one thread may call this at a time.
   *
   * @param claim items claimed at once, at least 1
   * @throws RuntimeException what the task threw, if it did, on whichever thread
   */
  public void run(int count, int claim, IntRangeTask work) {
    if (count <= 0) {
      return;
    }
    if (threads == 1 || count <= claim) {
      work.run(0, 0, count);
      return;
    }
    if (closed) {
      throw new IllegalStateException("the thread team is closed");
    }
    int number = (int) (ticket.get() >>> 32) + 1;
    ticket.set(pack(number, CLOSED));
    task = work;
    items = count;
    grain = claim;
    itemsDone.set(0);
    ticket.set(pack(number, 0));
    for (int i = 0; i < helpers.size(); i++) {
      helpers.get(i).wake();
    }
    work(0, number);
    awaitDone(count);
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      throw thrown instanceof RuntimeException e ? e : new IllegalStateException(thrown);
    }
  }

  /** Ends the helpers. Idempotent; not while a task runs. */
  @Override
  public void close() {
    closed = true;
    for (Helper helper : helpers) {
      LockSupport.unpark(helper.thread);
    }
  }

  private static long pack(int number, int next) {
    return (long) number << 32 | next;
  }

  /** Claims and does ranges of a task until none is left. */
  private void work(int thread, int number) {
    while (true) {
      long seen = ticket.get();
      int begin = (int) seen;
      int count = items;
      if ((int) (seen >>> 32) != number || begin >= count) {
        return;
      }
      int end = Math.min(count, begin + grain);
      // Succeeds only if task, items and grain were those of this number all the while.
      if (!ticket.compareAndSet(seen, pack(number, end))) {
        continue;
      }
      try {
        task.run(thread, begin, end);
      } catch (Throwable e) { // also errors of a helper must reach the caller
        failure = e;
      } finally {
        itemsDone.addAndGet(end - begin);
      }
    }
  }

  // The wait is for work that another thread has claimed; yielding lets it run where cores are few.
  @SuppressWarnings("ThreadPriorityCheck")
  private void awaitDone(int count) {
    int spins = 0;
    while (itemsDone.get() < count) {
      if (crowded || ++spins > 10_000) {
        Thread.yield();
      } else {
        Thread.onSpinWait();
      }
    }
  }

  private final class Helper implements Runnable {
    private final int index;
    private final Thread thread;
    private volatile boolean parked;

    Helper(int index) {
      this.index = index;
      this.thread = Thread.ofPlatform().daemon().name("ladon-compute-" + index).unstarted(this);
    }

    void wake() {
      if (parked) {
        LockSupport.unpark(thread);
      }
    }

    @Override
    public void run() {
      int number = 0;
      while (!closed) {
        number = awaitTaskAfter(number);
        if (!closed) {
          work(index, number);
        }
      }
    }

    /** Waits until an open task has another number than {@code last}; returns the number. */
    private int awaitTaskAfter(int last) {
      long deadline = crowded ? Long.MIN_VALUE : System.nanoTime() + SPIN_NANOS;
      while (!closed) {
        for (int i = 0; i < SPINS; i++) {
          long seen = ticket.get();
          if (isNew(seen, last)) {
            return (int) (seen >>> 32);
          }
          Thread.onSpinWait();
        }
        if (crowded || System.nanoTime() - deadline > 0) {
          parked = true;
          if (!isNew(ticket.get(), last) && !closed) {
            LockSupport.park(ThreadTeam.this);
          }
          parked = false;
        }
      }
      return last;
    }

    private static boolean isNew(long seen, int last) {
      return (int) (seen >>> 32) != last && (int) seen != CLOSED;
    }
  }
}
