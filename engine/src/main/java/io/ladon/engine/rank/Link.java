package io.ladon.engine.rank;

import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangePoint;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The exchange as the layer loop sees it: it can be left out, to warm up before peers are there.
 */
final class Link {

  private final Exchange exchange;
  private boolean connected = true;

  Link(Exchange exchange) {
    this.exchange = exchange;
  }

  int rank() {
    return exchange.rank();
  }

  int ranks() {
    return exchange.ranks();
  }

  /** Whether swaps happen. */
  void connect(boolean connects) {
    connected = connects;
  }

  /** See {@link Exchange#meanwhile}. */
  void meanwhile(BooleanSupplier work) {
    exchange.meanwhile(work);
  }

  void beginStep(long step) {
    if (connected) {
      exchange.beginStep(step);
    }
  }

  void swap(
      int layer,
      ExchangePoint point,
      @Nullable MemorySegment[] send,
      @Nullable MemorySegment[] receive) {
    if (connected && exchange.ranks() > 1) {
      exchange.swap(layer, point, send, receive);
    }
  }

  /** Between two layers; where there are peers, the swaps do the same. */
  void poll() {
    if (connected && exchange.ranks() == 1) {
      exchange.poll();
    }
  }

  long sentBytes() {
    return exchange.sentBytes();
  }

  long waitedNanos() {
    return exchange.waitedNanos();
  }
}
