package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.testcontainers.LadonCluster;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Containers with limits. */
class LimitsIT {

  @Test
  void tooLittleMemoryIsRefusedAtJoinWithTheFigures() throws Exception {
    // 8192 positions take 180 MiB of KV cache, and the weights 92 MiB.
    try (LadonCluster cluster =
        Model.cluster("memory", 1)
            .withWorkerLimits(0, 256L << 20, 0)
            .withCoordinatorOptions("--kv-tokens", "8192")
            .withoutAwaitingReady()) {
      cluster.start();
      Awaitility.await("the worker is told")
          .atMost(Duration.ofSeconds(40))
          .until(() -> cluster.worker(0).logs().contains("the worker may use"));
      assertThat(cluster.worker(0).logs())
          .contains("the worker may use 256.0 MiB of memory")
          .containsPattern(
              "rank 0 needs 27\\d\\.\\d MiB \\(9\\d\\.\\d MiB of weights and 18\\d\\.\\d MiB of KV"
                  + " cache\\)");
      assertThat(cluster.coordinatorLogs()).contains("worker-0 is refused");
      assertThat(cluster.worker(0).isRunning()).isTrue();
      assertThat(cluster.isReady()).as("ready without a worker").isFalse();
      assertThat(Health.of(cluster).get("reason").stringValue()).contains("0 of 1 workers");
    }
  }

  @Test
  void aShareOfACoreAndJustEnoughMemoryWork() throws Exception {
    try (LadonCluster cluster =
        Model.cluster("half-a-core", 2)
            .withCoordinatorOptions("--kv-tokens", "4096")
            .withWorkerLimits(0, 512L << 20, 0.5)) {
      cluster.start();
      assertThat(Health.worker(cluster, "worker-0").get("memory_bytes").longValue())
          .isEqualTo(512L << 20);
      assertThat(new Chat(cluster).ask(Chat.QUESTIONS.getFirst()))
          .isEqualTo(Model.expected().getFirst());
    }
  }
}
