package io.ladon.engine.exchange;

import io.ladon.engine.exchange.ExchangeException.Kind;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The exchange between ranks that are threads of one process: each offers its parts, the others
 * copy them, and a swap returns when its own parts have been taken.
 */
public final class InProcessExchange implements Exchange {

  /** How long a wait spins before it parks. */
  private static final long SPIN_NANOS = 20_000;

  /** How long a park lasts at most; a wake-up that was missed costs no more. */
  private static final long PARK_NANOS = 50_000_000;

  private final Group group;
  private final int rank;
  private long step;
  private long sentBytes;
  private long waitedNanos;
  private boolean failed;

  private InProcessExchange(Group group, int rank) {
    this.group = group;
    this.rank = rank;
  }

  /**
   * Connected exchanges for all ranks of an epoch, by rank.
   *
   * @param timeout of every wait
   */
  public static List<Exchange> group(int ranks, long epoch, Duration timeout) {
    if (ranks < 1) {
      throw new IllegalArgumentException("a group of " + ranks + " ranks");
    }
    Group group = new Group(ranks, epoch, timeout);
    List<Exchange> exchanges = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      exchanges.add(new InProcessExchange(group, r));
    }
    return exchanges;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return group.ranks;
  }

  @Override
  public void beginStep(long number) {
    step = number;
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
    if (send.length != group.ranks || receive.length != group.ranks) {
      throw new IllegalArgumentException(
          "%d parts to send and %d to receive for %d ranks"
              .formatted(send.length, receive.length, group.ranks));
    }
    if (failed) {
      throwIfBroken(layer, point);
    }
    long begin = System.nanoTime();
    try {
      group.threads.set(rank, Thread.currentThread());
      for (int r = 0; r < group.ranks; r++) {
        if (r != rank) {
          offer(r, layer, point, send[r]);
        }
      }
      for (int r = 0; r < group.ranks; r++) {
        if (r != rank) {
          take(r, layer, point, receive[r], begin);
        }
      }
      for (int r = 0; r < group.ranks; r++) {
        if (r != rank) {
          awaitTaken(r, layer, point, begin);
        }
      }
    } finally {
      waitedNanos += System.nanoTime() - begin;
    }
  }

  /** Ends the exchange of all ranks of the group: those that wait throw. */
  @Override
  public void close() {
    group.breakDown(Kind.LOST, rank, "closed the exchange");
  }

  private void offer(int to, int layer, ExchangePoint point, @Nullable MemorySegment part) {
    Offer offer = group.offer(rank, to);
    offer.step = step;
    offer.layer = layer;
    offer.point = point;
    offer.part = part;
    offer.state = Offer.MADE;
    group.wake(to);
    sentBytes += part == null ? 0 : part.byteSize();
  }

  private void take(
      int from, int layer, ExchangePoint point, @Nullable MemorySegment into, long begin) {
    Offer offer = group.offer(from, rank);
    await(offer, Offer.MADE, from, layer, point, begin, "sent nothing");
    // Before asking whether the exchange is broken: if the peer broke it since this rank's part did
    // not fit, it is also the peer's that does not.
    if (offer.step != step || offer.layer != layer || offer.point != point) {
      throw failed(
          Kind.MISMATCH,
          from,
          layer,
          point,
          "is at step %d, layer %d, exchange %s".formatted(offer.step, offer.layer, offer.point));
    }
    long size = into == null ? 0 : into.byteSize();
    MemorySegment part = offer.part;
    long sent = part == null ? 0 : part.byteSize();
    if (sent != size) {
      throw failed(
          Kind.MISMATCH, from, layer, point, "sent %d bytes instead of %d".formatted(sent, size));
    }
    throwIfBroken(layer, point);
    if (part != null && into != null) {
      MemorySegment.copy(part, 0, into, 0, size);
    }
    offer.part = null;
    offer.state = Offer.TAKEN;
    group.wake(from);
  }

  private void awaitTaken(int by, int layer, ExchangePoint point, long begin) {
    await(group.offer(rank, by), Offer.TAKEN, by, layer, point, begin, "took nothing");
    throwIfBroken(layer, point);
  }

  private void await(
      Offer offer,
      int state,
      int peer,
      int layer,
      ExchangePoint point,
      long begin,
      String missing) {
    long spinUntil = begin + (group.spins ? SPIN_NANOS : 0);
    while (offer.state != state) {
      if (group.breakdown != null && offer.state != state) {
        throwIfBroken(layer, point);
      }
      long now = System.nanoTime();
      if (now - begin > group.timeoutNanos) {
        throw failed(
            Kind.TIMEOUT,
            peer,
            layer,
            point,
            "%s for %d ms".formatted(missing, group.timeoutNanos / 1_000_000));
      }
      if (now - spinUntil < 0) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(
            group, Math.min(PARK_NANOS, group.timeoutNanos - (now - begin) + 1_000));
      }
    }
  }

  private void throwIfBroken(int layer, ExchangePoint point) {
    Breakdown breakdown = group.breakdown;
    if (breakdown == null) {
      return;
    }
    boolean own = failed || breakdown.rank == rank;
    failed = true;
    throw new ExchangeException(
        own ? Kind.CLOSED : breakdown.kind,
        group.epoch,
        step,
        layer,
        point,
        breakdown.rank == rank ? -1 : breakdown.rank,
        breakdown.reason,
        null);
  }

  private ExchangeException failed(
      Kind kind, int peer, int layer, ExchangePoint point, String reason) {
    failed = true;
    group.breakDown(kind, peer, reason);
    return new ExchangeException(kind, group.epoch, step, layer, point, peer, reason, null);
  }

  /** One rank's part for another; the sender owns it unless it is MADE, then the receiver does. */
  private static final class Offer {
    static final int TAKEN = 0;
    static final int MADE = 1;

    volatile int state = TAKEN;
    long step;
    int layer;
    ExchangePoint point = ExchangePoint.HEADS;
    @Nullable MemorySegment part;
  }

  /** Why the exchange is over, and through whom. */
  private record Breakdown(Kind kind, int rank, String reason) {}

  private static final class Group {
    final int ranks;
    final long epoch;
    final long timeoutNanos;
    final boolean spins;
    final Offer[][] offers; // from, to
    final AtomicReferenceArray<Thread> threads;
    volatile @Nullable Breakdown breakdown;

    Group(int ranks, long epoch, Duration timeout) {
      this.ranks = ranks;
      this.epoch = epoch;
      this.timeoutNanos = timeout.toNanos();
      this.spins = ranks <= Runtime.getRuntime().availableProcessors();
      this.offers = new Offer[ranks][ranks];
      for (Offer[] row : offers) {
        for (int to = 0; to < ranks; to++) {
          row[to] = new Offer();
        }
      }
      this.threads = new AtomicReferenceArray<>(ranks);
    }

    Offer offer(int from, int to) {
      return offers[from][to];
    }

    void wake(int rank) {
      LockSupport.unpark(threads.get(rank));
    }

    synchronized void breakDown(Kind kind, int rank, String reason) {
      if (breakdown == null) {
        breakdown = new Breakdown(kind, rank, reason);
      }
      for (int r = 0; r < ranks; r++) {
        wake(r);
      }
    }
  }
}
