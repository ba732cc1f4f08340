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
import org.jspecify.annotations.Nullable;

/**
 * The exchange over gRPC streams, driven by the thread that computes. A swap hands its parts to
 * gRPC and then runs the event loop itself until everything has gone out and come in, so it always
 * drains its peers while it sends and two ranks can never block each other. It does not return
 * before its bytes have gone to the operating system: they would otherwise lie until the next swap,
 * and the ranks would compute in turns.
 */
public final class GrpcExchange implements Exchange {

  private final RankLoop loop;
  private final PeerMesh mesh;
  private final long timeoutNanos;
  private final Waiting waiting;
  private long step;
  private long sentBytes;
  private long waitedNanos;
  private @Nullable ExchangeException broken;
  private volatile boolean closed;

  /**
   * @param mesh all peers linked
   * @param timeout of one swap
   */
  public GrpcExchange(RankLoop loop, PeerMesh mesh, Duration timeout, Waiting waiting) {
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
    while (true) {
      for (Peer peer : peers) {
        peer.pump();
      }
      int events = loop.drive();
      if (closed) {
        throw new ExchangeException(
            Kind.CLOSED, mesh.epoch(), step, layer, point, -1, "closed: the epoch is over", null);
      }
      if (done(peers, layer, point)) {
        return;
      }
      if (events > 0) {
        continue;
      }
      long now = System.nanoTime();
      if (now - deadline >= 0) {
        throw late(peers, layer, point);
      }
      if (now - spinEnd < 0) {
        waiting.pause();
      } else {
        loop.drive(deadline - now);
      }
    }
  }

  private boolean done(Peer[] peers, int layer, ExchangePoint point) {
    boolean done = true;
    for (Peer peer : peers) {
      boolean received = peer.receivedAll();
      if (!received || !peer.sentAll()) {
        done = false;
      }
      Kind kind = peer.failureKind();
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
