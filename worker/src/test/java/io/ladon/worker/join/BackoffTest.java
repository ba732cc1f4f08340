package io.ladon.worker.join;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BackoffTest {

  @Test
  void growsToItsLimitAndStartsAgain() {
    Backoff backoff =
        new Backoff(Duration.ofNanos(100), Duration.ofNanos(1000), new SplittableRandom(1));
    for (int limit : new int[] {100, 200, 400, 800, 1000, 1000, 1000}) {
      assertThat(backoff.next()).isBetween(limit / 2L, (long) limit);
    }
    backoff.reset();
    assertThat(backoff.next()).isBetween(50L, 100L);
  }

  @Test
  void refusesPausesThatShrink() {
    assertThatThrownBy(
            () -> new Backoff(Duration.ofNanos(2), Duration.ofNanos(1), new SplittableRandom(1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
