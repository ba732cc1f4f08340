package io.ladon.worker.loop;

import io.ladon.net.Transport;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that computes and does its own I/O. All channels of a rank live on its event loop, so
 * bytes that arrive while the rank waits are handled by the waiting thread itself: no hand-over to
 * another thread lies between a peer's frame and the next layer.
 *
 * <p>Two kinds of work run on the thread. <em>Callbacks</em> ({@link #execute}, and everything that
 * gRPC calls) run whenever the loop is driven, also in the middle of a swap; they must be short and
 * must not drive the loop. <em>Turns</em> ({@link #submit}) run one after the other and may drive
 * the loop. Between turns the thread blocks in the loop.
 */
public final class RankLoop implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(RankLoop.class);
  private static final long CLOSE_SECONDS = 10;

  private final Transport transport;
  private final Thread thread;
  private final ManualIoEventLoop loop;
  private final EventLoopGroup acceptors;
  private final ArrayDeque<Runnable> turns = new ArrayDeque<>(); // of the loop's thread
  private @Nullable Waiting expecting; // of the loop's thread, like the next
  private BooleanSupplier meanwhile = () -> false;
  private long blocksAt;
  private volatile boolean stopping;

  public RankLoop(String name, Transport transport) {
    this.transport = transport;
    this.thread = new FastThreadLocalThread(this::run, name); // buffer caches are for these only
    this.thread.setDaemon(true);
    this.loop = new ManualIoEventLoop(thread, transport.newHandler());
    this.acceptors =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory(name + "-accept", true), transport.newHandler());
  }

  /** Starts the thread. */
  public void start() {
    thread.start();
  }

  public Transport transport() {
    return transport;
  }

  /** For channels that this thread shall serve. */
  public ManualIoEventLoop eventLoop() {
    return loop;
  }

  /** For listening sockets only: an accepted channel belongs to {@link #eventLoop()}. */
  public EventLoopGroup acceptors() {
    return acceptors;
  }

  /** Whether the caller is the loop's thread. */
  public boolean inLoop() {
    return loop.inEventLoop();
  }

  /**
   * Runs a callback on the loop's thread: at once if that is the caller, else as soon as may be.
   */
  public void execute(Runnable callback) {
    if (loop.inEventLoop()) {
      callback.run();
    } else {
      loop.execute(callback);
    }
  }

  /** Runs a turn after those already submitted. */
  public void submit(Runnable turn) {
    loop.execute(() -> turns.add(turn));
  }

  /**
   * The next turn is about to come: the thread looks for it for a while before it blocks, as waking
   * up takes longer than that. For turns.
   *
   * @param work what it can do meanwhile: does a little, and says whether it did anything
   */
  public void expectTurn(Waiting how, BooleanSupplier work) {
    expecting = how;
    meanwhile = work;
    blocksAt = System.nanoTime() + how.spinNanos();
  }

  /** Runs a callback after a delay, unless the returned handle is cancelled first. */
  public Timer schedule(long delayNanos, Runnable callback) {
    var future = loop.schedule(callback, delayNanos, TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  /** Handles what is ready and returns. For turns only. */
  public int drive() {
    return loop.runNow();
  }

  /** Waits until something is ready, at most so long, and handles it. For turns only. */
  public int drive(long maxNanos) {
    return loop.run(Math.max(1, maxNanos));
  }

  /** Makes a blocked {@link #drive(long)} return. */
  public void wakeup() {
    loop.execute(() -> {});
  }

  private void run() {
    try {
      while (!stopping) {
        Runnable turn = turns.poll();
        if (turn != null) {
          expecting = null;
          runTurn(turn);
        } else {
          awaitTurn();
        }
      }
    } finally {
      var _ = loop.shutdownGracefully(0, 1, TimeUnit.SECONDS); // isTerminated says it
      while (!loop.isTerminated()) {
        loop.run(TimeUnit.MILLISECONDS.toNanos(10));
      }
    }
  }

  /** Handles what comes; blocks if nothing does, unless a turn is expected. */
  private void awaitTurn() {
    Waiting how = expecting;
    if (how == null) {
      loop.run(0);
    } else if (loop.runNow() == 0) {
      if (how.isCrowded() || !meanwhile.getAsBoolean()) {
        how.pause();
      }
      if (System.nanoTime() - blocksAt > 0) {
        expecting = null;
      }
    }
  }

  private static void runTurn(Runnable turn) {
    try {
      turn.run();
    } catch (RuntimeException | Error e) {
      log.error("event=turn_failed error={}", e.toString(), e);
    }
  }

  /**
   * Ends the thread after the current turn, and with it every channel on the loop. Waits a bounded
   * time, and not at all when called on the loop's own thread.
   */
  @Override
  public void close() {
    stopping = true;
    var _ = acceptors.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    if (thread.getState() == Thread.State.NEW) {
      return;
    }
    if (!loop.isShuttingDown()) {
      wakeup();
    }
    if (!inLoop() && !joined()) {
      log.warn(
          "event=loop_still_running thread={} waitedSeconds={}", thread.getName(), CLOSE_SECONDS);
    }
  }

  private boolean joined() {
    try {
      return thread.join(java.time.Duration.ofSeconds(CLOSE_SECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** A callback to come. */
  @FunctionalInterface
  public interface Timer {
    /** Forgets the callback if it has not run; idempotent. */
    void cancel();
  }
}
