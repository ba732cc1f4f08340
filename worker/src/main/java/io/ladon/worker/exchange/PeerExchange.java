package io.ladon.worker.exchange;

import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangeException;
import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The exchange with the peers of an epoch, driven by the thread that computes: through memory that
 * it shares with a peer, or in frames of the gRPC stream to it. A swap hands out its parts and then
 * runs the event loop itself until everything has gone out and come in, so it always drains its
 * peers while it sends and two ranks can never block each other. It does not return before what it
 * sent over gRPC has gone to the operating system: it would otherwise lie until the next swap, and
 * the ranks would compute in turns.
 *
 * <p>Where all peers share memory, a swap that finds its parts there makes no system call, and one
 * that waits looks into the loop only now and then: for a peer that died, or the coordinator.
 */
public final class PeerExchange implements Exchange {

  /** Longest time without a look into the event loop while it is not needed. */
  private static final long DRIVE_NANOS = 50_000;

  private final RankLoop loop;
  private final PeerMesh mesh;
  private final long timeoutNanos;
  private final Waiting waiting;
  private long step;
  private long drivenAt = System.nanoTime();
  private long sentBytes;
  private long waitedNanos;
  private BooleanSupplier meanwhile = () -> false;
  private @Nullable ExchangeException broken;
  private volatile boolean closed;

  /**
   * @param mesh all peers linked
   * @param timeout of one swap
   */
  public PeerExchange(RankLoop loop, PeerMesh mesh, Duration timeout, Waiting waiting) {
    this.loop = loop;
    this.mesh = mesh;
    this.timeoutNanos = timeout.toNanos();
    this.waiting = waiting;
  }

  @Override
  public int rank() {
    return mesh.rank();
  }

  @Override
  public int ranks() {
    return mesh.ranks();
  }

  @Override
  public void meanwhile(BooleanSupplier work) {
    if (!waiting.isCrowded()) {
      meanwhile = work;
    }
  }

  @Override
  public void beginStep(long newStep) {
    step = newStep;
    sentBytes = 0;
    waitedNanos = 0;
  }

  @Override
  public long sentBytes() {
    return sentBytes;
  }

  @Override
  public long waitedNanos() {
    return waitedNanos;
  }

  @Override
  public void swap(
      int layer,
      ExchangePoint point,
      @Nullable MemorySegment[] send,
      @Nullable MemorySegment[] receive) {
    check(layer, point, send, receive);
    long start = System.nanoTime();
    Peer[] peers = mesh.peers();
    for (Peer peer : peers) {
      MemorySegment part = send[peer.rank()];
      peer.begin(step, layer, point.number(), part, receive[peer.rank()]);
      sentBytes += part == null ? 0 : part.byteSize();
    }
    try {
      run(peers, start, layer, point);
    } catch (ExchangeException e) {
      broken = e;
      throw e;
    } finally {
      for (Peer peer : peers) {
        peer.end();
      }
      waitedNanos += System.nanoTime() - start;
    }
  }

  private void check(
      int layer,
      ExchangePoint point,
      @Nullable MemorySegment[] send,
      @Nullable MemorySegment[] receive) {
    if (send.length != ranks() || receive.length != ranks()) {
      throw new IllegalArgumentException(
          "%d parts to send and %d to receive for %d ranks"
              .formatted(send.length, receive.length, ranks()));
    }
    ExchangeException before = broken;
    if (before != null) {
      throw new ExchangeException(
          before.kind(),
          mesh.epoch(),
          step,
          layer,
          point,
          before.missingRank(),
          "broke this exchange before: " + before.getMessage(),
          before);
    }
  }

  private void run(Peer[] peers, long start, int layer, ExchangePoint point) {
    long deadline = start + timeoutNanos;
    long spinEnd = start + waiting.spinNanos();
    long now = start;
    for (int polls = 0; ; polls++) {
      boolean moved = false;
      boolean needsLoop = false;
      for (Peer peer : peers) {
        moved |= peer.pump();
        needsLoop |= peer.needsLoop();
      }
      if (needsLoop || now - drivenAt >= DRIVE_NANOS) {
        drivenAt = now;
        moved |= loop.drive() > 0;
        throwIfClosed(layer, point);
      }
      if (done(peers, layer, point)) {
        return;
      }
      if (moved) {
        continue;
      }
      now = System.nanoTime();
      if (now - deadline >= 0) {
        throw late(peers, layer, point);
      }
      if (meanwhile.getAsBoolean() || now - spinEnd < 0) {
        if (needsLoop) {
          waiting.pause();
        } else {
          waiting.pause(polls);
        }
      } else {
        sleep(peers, deadline - now);
        throwIfClosed(layer, point);
      }
    }
  }

  /** Blocks in the loop, unless a peer did something meanwhile. */
  private void sleep(Peer[] peers, long maxNanos) {
    for (Peer peer : peers) {
      peer.fallAsleep();
    }
    boolean moved = false;
    for (Peer peer : peers) {
      moved |= peer.pump();
    }
    if (!moved) {
      loop.drive(maxNanos);
    }
    for (Peer peer : peers) {
      peer.awake();
    }
  }

  private void throwIfClosed(int layer, ExchangePoint point) {
    if (closed) {
      throw new ExchangeException(
          Kind.CLOSED, mesh.epoch(), step, layer, point, -1, "closed: the epoch is over", null);
    }
  }

  private boolean done(Peer[] peers, int layer, ExchangePoint point) {
    boolean done = true;
    for (Peer peer : peers) {
      Kind kind = peer.failureKind();
      if (kind == Kind.LOST) {
        peer.pump(); // what it had left in shared memory before it went
      }
      boolean received = peer.receivedAll();
      if (!received || !peer.sentAll()) {
        done = false;
      }
      if (kind != null && (kind == Kind.MISMATCH || !received || !peer.sentAll())) {
        throw new ExchangeException(
            kind, mesh.epoch(), step, layer, point, peer.rank(), peer.failure(), peer.cause());
      }
    }
    return done;
  }

  private ExchangeException late(Peer[] peers, int layer, ExchangePoint point) {
    long millis = timeoutNanos / 1_000_000;
    int missing = -1;
    String reason = "";
    for (Peer peer : peers) {
      if (!peer.receivedAll()) {
        missing = peer.rank();
        reason = "sent nothing, or not all, for " + millis + " ms";
        break;
      }
      if (!peer.sentAll()) {
        missing = peer.rank();
        reason = "took nothing, or not all, for " + millis + " ms";
      }
    }
    return new ExchangeException(
        Kind.TIMEOUT, mesh.epoch(), step, layer, point, missing, reason, null);
  }

  @Override
  public void poll() {
    loop.drive();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      loop.execute(mesh::close);
    } catch (RejectedExecutionException e) {
      // The loop has ended, and all streams with it.
    }
  }
}
