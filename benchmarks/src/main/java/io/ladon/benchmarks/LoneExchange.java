package io.ladon.benchmarks;

import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangePoint;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An exchange without peers, whose parts are there at once, or after a while: zeros. What a rank
 * does around an exchange, such as packing what it sends and adding up what it gets, is done all
 * the same.
 */
final class LoneExchange implements Exchange {

  private final int rank;
  private final int ranks;
  private final long waitNanos;
  private final boolean worksMeanwhile;
  private BooleanSupplier meanwhile = () -> false;
  private long sentBytes;

  /**
   * @param waitNanos of each swap
   * @param worksMeanwhile whether the rank does then what it can
   */
  LoneExchange(int rank, int ranks, long waitNanos, boolean worksMeanwhile) {
    this.rank = rank;
    this.ranks = ranks;
    this.waitNanos = waitNanos;
    this.worksMeanwhile = worksMeanwhile;
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return ranks;
  }

  @Override
  public void beginStep(long step) {
    sentBytes = 0;
  }

  @Override
  public void meanwhile(BooleanSupplier work) {
    if (worksMeanwhile) {
      meanwhile = work;
    }
  }

  @Override
  public void swap(
      int layer,
      ExchangePoint point,
      @Nullable MemorySegment[] send,
      @Nullable MemorySegment[] receive) {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < waitNanos) {
      if (!meanwhile.getAsBoolean()) {
        Thread.onSpinWait();
      }
    }
    for (int r = 0; r < ranks; r++) {
      if (r == rank) {
        continue;
      }
      MemorySegment sent = send[r];
      MemorySegment part = receive[r];
      sentBytes += sent == null ? 0 : sent.byteSize();
      if (part != null) {
        part.fill((byte) 0); // as a peer's part would be written, each time
      }
    }
  }

  @Override
  public long sentBytes() {
    return sentBytes;
  }

  @Override
  public long waitedNanos() {
    return 0;
  }

  @Override
  public void close() {}
}
