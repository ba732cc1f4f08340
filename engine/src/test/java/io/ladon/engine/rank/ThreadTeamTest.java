package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ThreadTeamTest {

  @ParameterizedTest
  @CsvSource({"1,false", "2,false", "3,false", "4,false", "2,true", "5,true"})
  void everyItemIsDoneOnceInEveryTask(int threads, boolean crowded) {
    try (ThreadTeam team = new ThreadTeam(threads, crowded)) {
      for (int round = 0; round < 10_000; round++) {
        int count = round % 23;
        int claim = 1 + round % 5;
        AtomicIntegerArray done = new AtomicIntegerArray(count);
        team.run(
            count,
            claim,
            (thread, begin, end) -> {
              assertThat(thread).isBetween(0, threads - 1);
              for (int i = begin; i < end; i++) {
                done.incrementAndGet(i);
              }
            });
        for (int i = 0; i < count; i++) {
          assertThat(done.get(i)).as("round %d, item %d", round, i).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void whatATaskThrowsReachesTheCaller() {
    try (ThreadTeam team = new ThreadTeam(3)) {
      for (int round = 0; round < 100; round++) {
        int bad = round % 12;
        assertThatThrownBy(
                () ->
                    team.run(
                        12,
                        1,
                        (thread, begin, end) -> {
                          if (begin == bad) {
                            throw new IllegalArgumentException("item " + bad);
                          }
                        }))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("item " + bad);
      }
      int[] sum = new int[3];
      team.run(12, 1, (thread, begin, end) -> sum[thread] += end - begin);
      assertThat(sum[0] + sum[1] + sum[2]).isEqualTo(12);
    }
  }

  @Test
  void aTeamNeedsAThreadAndAClosedOneRefuses() {
    assertThatThrownBy(() -> new ThreadTeam(0)).isInstanceOf(IllegalArgumentException.class);
    ThreadTeam team = new ThreadTeam(2);
    team.close();
    team.close();
    assertThatThrownBy(() -> team.run(10, 1, (thread, begin, end) -> {}))
        .isInstanceOf(IllegalStateException.class);
  }
}
