package io.ladon.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The first command of the README, as a new user types it. */
class RunCommandIT {

  private static final Duration LIMIT = Duration.ofMinutes(5);

  @Test
  void answersPrintsFiguresAndLeavesNothingRunning() throws Exception {
    try (LadonCommand run =
        LadonCommand.start("run", "Why is the sky blue?", "--max-tokens", "24")) {
      assertThat(run.await(LIMIT)).as(run.toString()).isZero();
      assertThat(run.output()).isNotBlank();
      assertThat(run.errors())
          .containsPattern(
              "\\[\\d+ prompt tokens, [\\d.]+ tokens/s; 24 generated( \\(\\d+ of them drafted\\))?, [\\d.]+ tokens/s; first token"
                  + " after \\d+ ms; \\d+ % of the time in exchanges]");
      assertThat(run.descendants())
          .as("a coordinator and two workers")
          .hasSizeGreaterThanOrEqualTo(3);
      assertThat(run.descendants()).noneMatch(ProcessHandle::isAlive);
    }
  }

  @Test
  void saysTheSameOnAnyNumberOfWorkers() throws Exception {
    String expected = null;
    for (int workers : new int[] {1, 3, 5}) {
      try (LadonCommand run =
          LadonCommand.start(
              "run",
              "Name three colours.",
              "--max-tokens",
              "16",
              "--workers",
              Integer.toString(workers))) {
        assertThat(run.await(LIMIT)).as(run.toString()).isZero();
        if (expected == null) {
          expected = run.output();
        }
        assertThat(run.output()).as(workers + " workers").isEqualTo(expected);
      }
    }
  }

  @Test
  void endsEverythingWhenItIsInterrupted() throws Exception {
    try (LadonCommand run =
        LadonCommand.start("run", "Tell me a very long story.", "--max-tokens", "1500")) {
      // Once both workers run, Ctrl-C: the signal that a terminal sends.
      Awaitility.await("processes of the cluster")
          .atMost(LIMIT)
          .until(() -> run.living("worker").size() == 2);
      run.descendants();
      int sent =
          new ProcessBuilder("kill", "-INT", Long.toString(run.process().pid())).start().waitFor();
      assertThat(sent).isZero();
      int interrupted = 128 + 2;
      assertThat(run.await(Duration.ofSeconds(20))).as(run.toString()).isEqualTo(interrupted);
      assertThat(run.descendants()).noneMatch(ProcessHandle::isAlive);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"run Hello", "up --port 0"})
  void saysOnceAndSoonThatItsWorkersAreRefused(String command) throws Exception {
    String[] words = (command + " --kv-tokens 100000000").split(" ");
    try (LadonCommand run = LadonCommand.start(words)) {
      assertThat(run.await(Duration.ofMinutes(1))).as(run.toString()).isEqualTo(1);
      assertThat(run.errors())
          .containsOnlyOnce("refuses this worker")
          .contains("of memory", "lower the number of KV blocks");
    }
  }

  @Test
  void refusesAModelThatDoesNotExist() throws Exception {
    try (LadonCommand run = LadonCommand.start("run", "Hello", "--model", "no-such-model")) {
      assertThat(run.await(LIMIT)).isEqualTo(1);
      assertThat(run.errors()).contains("no-such-model", "smollm2-135m-instruct");
    }
  }
}
