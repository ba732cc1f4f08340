package io.ladon.engine.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ladon.engine.exchange.ExchangeException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InProcessExchangeTest {

  private static final Duration LONG = Duration.ofSeconds(20);

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    threads.shutdownNow();
    arena.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 9})
  void everyRankGetsWhatEveryOtherSentToIt(int ranks) throws Exception {
    List<Exchange> exchanges = InProcessExchange.group(ranks, 7, LONG);
    List<Future<Integer>> done = new ArrayList<>();
    for (Exchange exchange : exchanges) {
      done.add(threads.submit(() -> swapMany(exchange, 200)));
    }
    for (Future<Integer> future : done) {
      assertThat(future.get(60, TimeUnit.SECONDS)).isEqualTo(200);
    }
  }

  private int swapMany(Exchange exchange, int times) {
    int ranks = exchange.ranks();
    int rank = exchange.rank();
    for (int i = 0; i < times; i++) {
      exchange.beginStep(i);
      MemorySegment[] send = new MemorySegment[ranks];
      MemorySegment[] receive = new MemorySegment[ranks];
      for (int r = 0; r < ranks; r++) {
        send[r] = ints(size(rank, r, i), value(rank, r, i));
        receive[r] = ints(size(r, rank, i), -1);
      }
      exchange.swap(i, ExchangePoint.DOWN, send, receive);
      long sent = 0;
      for (int r = 0; r < ranks; r++) {
        if (r != rank) {
          sent += send[r].byteSize();
          send[r].fill((byte) 0x55); // may be written again at once
          assertThat(receive[r].toArray(ValueLayout.JAVA_INT)).containsOnly(value(r, rank, i));
        }
      }
      assertThat(exchange.sentBytes()).isEqualTo(sent);
    }
    return times;
  }

  @Test
  void nothingTravelsWhereASegmentIsNullOrEmpty() throws Exception {
    List<Exchange> exchanges = InProcessExchange.group(2, 7, LONG);
    MemorySegment received = ints(3, 0);
    Future<?> other =
        threads.submit(
            () ->
                exchanges
                    .get(1)
                    .swap(
                        0,
                        ExchangePoint.HEADS,
                        new MemorySegment[] {ints(3, 5), MemorySegment.NULL},
                        new MemorySegment[] {MemorySegment.NULL, MemorySegment.NULL}));
    exchanges
        .get(0)
        .swap(
            0,
            ExchangePoint.HEADS,
            new MemorySegment[2],
            new MemorySegment[] {MemorySegment.NULL, received});
    other.get(20, TimeUnit.SECONDS);
    assertThat(received.toArray(ValueLayout.JAVA_INT)).containsOnly(5);
  }

  @Test
  void aMissingRankIsNamedWhenTheDeadlinePasses() {
    List<Exchange> exchanges = InProcessExchange.group(3, 7, Duration.ofMillis(50));
    Future<?> present = threads.submit(swap(exchanges.get(1), 11, 4, ExchangePoint.GATED, 8));
    ExchangeException thrown = failure(exchanges.get(0), 11, 4, ExchangePoint.GATED);
    assertThat(thrown.kind()).isEqualTo(Kind.TIMEOUT);
    assertThat(thrown.epoch()).isEqualTo(7);
    assertThat(thrown.step()).isEqualTo(11);
    assertThat(thrown.layer()).isEqualTo(4);
    assertThat(thrown.point()).isEqualTo(ExchangePoint.GATED);
    assertThat(thrown.missingRank()).isEqualTo(2);
    assertThat(thrown)
        .hasMessage("epoch 7, step 11, layer 4, exchange GATED: rank 2 sent nothing for 50 ms");
    assertThatThrownBy(() -> present.get(20, TimeUnit.SECONDS))
        .rootCause()
        .isInstanceOf(ExchangeException.class)
        .hasMessageContaining("rank 2");
    // Broken for good.
    ExchangeException again = failure(exchanges.get(0), 12, 0, ExchangePoint.HEADS);
    assertThat(again.kind()).isEqualTo(Kind.CLOSED);
  }

  @Test
  void anotherPointLayerStepOrSizeIsRefused() {
    assertMismatch(1, 0, ExchangePoint.HEADS, 8, "is at step 1, layer 0, exchange HEADS");
    assertMismatch(0, 1, ExchangePoint.HEADS, 8, "is at step 0, layer 1, exchange HEADS");
    assertMismatch(0, 0, ExchangePoint.DOWN, 8, "is at step 0, layer 0, exchange DOWN");
    assertMismatch(0, 0, ExchangePoint.HEADS, 12, "sent 12 bytes instead of 8");
  }

  private void assertMismatch(
      long step, int layer, ExchangePoint point, int bytes, String message) {
    List<Exchange> exchanges = InProcessExchange.group(2, 7, LONG);
    Future<?> other = threads.submit(swap(exchanges.get(1), step, layer, point, bytes));
    ExchangeException thrown = failure(exchanges.get(0), 0, 0, ExchangePoint.HEADS);
    assertThatThrownBy(() -> other.get(20, TimeUnit.SECONDS))
        .rootCause()
        .isInstanceOf(ExchangeException.class);
    // Whichever of the two looks first breaks the exchange for both, naming the other.
    assertThat(thrown.missingRank()).isIn(1, -1);
    if (thrown.missingRank() == 1) {
      assertThat(thrown.kind()).isEqualTo(Kind.MISMATCH);
      assertThat(thrown).hasMessageContaining("rank 1 " + message);
    }
  }

  @Test
  void closingEndsTheWaitsOfTheOthers() {
    List<Exchange> exchanges = InProcessExchange.group(2, 7, LONG);
    Future<?> waiting = threads.submit(swap(exchanges.get(1), 3, 2, ExchangePoint.OUTPUT, 8));
    exchanges.get(0).close();
    exchanges.get(0).close();
    assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
        .rootCause()
        .isInstanceOfSatisfying(
            ExchangeException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(Kind.LOST);
              assertThat(e.missingRank()).isZero();
            });
    ExchangeException own = failure(exchanges.get(0), 3, 2, ExchangePoint.OUTPUT);
    assertThat(own.kind()).isEqualTo(Kind.CLOSED);
    assertThat(own.missingRank()).isEqualTo(-1);
  }

  private ExchangeException failure(Exchange exchange, long step, int layer, ExchangePoint point) {
    return catchThrowableOfType(
        ExchangeException.class, () -> swap(exchange, step, layer, point, 8).call());
  }

  private Callable<Long> swap(
      Exchange exchange, long step, int layer, ExchangePoint point, int bytes) {
    return () -> {
      MemorySegment[] send = new MemorySegment[exchange.ranks()];
      MemorySegment[] receive = new MemorySegment[exchange.ranks()];
      for (int r = 0; r < send.length; r++) {
        send[r] = ints(bytes / 4, 1);
        receive[r] = ints(bytes / 4, 0);
      }
      exchange.beginStep(step);
      exchange.swap(layer, point, send, receive);
      return exchange.sentBytes();
    };
  }

  private MemorySegment ints(int count, int value) {
    MemorySegment segment = arena.allocate(4L * count, 4);
    for (int i = 0; i < count; i++) {
      segment.setAtIndex(ValueLayout.JAVA_INT, i, value);
    }
    return segment;
  }

  private static int size(int from, int to, int round) {
    return 1 + (from * 7 + to * 3 + round) % 40;
  }

  private static int value(int from, int to, int round) {
    return from * 1_000_000 + to * 10_000 + round;
  }
}
