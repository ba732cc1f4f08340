package io.ladon.engine.exchange;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ladon.engine.exchange.ExchangeException.Kind;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is particular to ranks of one process: they share the end of an exchange. */
@Timeout(60)
class InProcessExchangeTest {

  private static ExchangeGroup open(int ranks, long epoch, Duration timeout) {
    return ExchangeGroup.ofThreads(InProcessExchange.group(ranks, epoch, timeout));
  }

  @Test
  void closingEndsTheWaitsOfTheOthers() throws Exception {
    try (ExchangeGroup group = open(2, 7, Duration.ofSeconds(20))) {
      Future<Long> waiting = group.members().get(1).call(InProcessExchangeTest::swapNothing);
      Exchange closing = group.members().get(0).exchange();
      closing.close();
      assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
          .rootCause()
          .isInstanceOfSatisfying(
              ExchangeException.class,
              e -> {
                assertThat(e.kind()).isEqualTo(Kind.LOST);
                assertThat(e.missingRank()).isZero();
                assertThat(e)
                    .hasMessage(
                        "epoch 7, step 3, layer 2, exchange OUTPUT: rank 0 closed the exchange");
              });
      ExchangeException own =
          catchThrowableOfType(ExchangeException.class, () -> swapNothing(closing));
      assertThat(own.kind()).isEqualTo(Kind.CLOSED);
      assertThat(own.missingRank()).isEqualTo(-1);
    }
  }

  @Test
  void everyRankLearnsWhoWasMissing() throws Exception {
    try (ExchangeGroup group = open(3, 7, Duration.ofMillis(50))) {
      List<Future<Long>> present =
          List.of(
              group.members().get(0).call(InProcessExchangeTest::swapNothing),
              group.members().get(1).call(InProcessExchangeTest::swapNothing));
      for (Future<Long> future : present) {
        assertThatThrownBy(() -> future.get(20, TimeUnit.SECONDS))
            .rootCause()
            .isInstanceOfSatisfying(
                ExchangeException.class, e -> assertThat(e.missingRank()).isEqualTo(2))
            .hasMessageContaining("exchange OUTPUT: rank 2 sent nothing for 50 ms");
      }
    }
  }

  private static long swapNothing(Exchange exchange) {
    exchange.beginStep(3);
    exchange.swap(
        2,
        ExchangePoint.OUTPUT,
        new MemorySegment[exchange.ranks()],
        new MemorySegment[exchange.ranks()]);
    return exchange.sentBytes();
  }
}
