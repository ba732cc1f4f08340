package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardInventory;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.testcontainers.LadonCluster;
import io.ladon.testcontainers.LadonWorker;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.testcontainers.containers.Container.ExecResult;
import tools.jackson.databind.JsonNode;

/** A worker holds its slice of the model and nothing else of it. */
class ShardCacheIT {

  private static final int WORKERS = 3;

  @Test
  void aWorkerKeepsItsSliceOnlyAndLoadsFromItAfterARestart() throws Exception {
    try (LadonCluster cluster =
            Model.cluster("shard-cache", WORKERS)
                .withCoordinatorOptions("--output-split", "whole", "--down-split", "columns");
        GgufFile model = GgufFile.open(Model.file())) {
      cluster.start();
      ShardPlan plan =
          ShardPlan.of(
              ModelSpecs.read(model.header()),
              new PlanOptions(WORKERS, List.of(), Split.WHOLE, Split.COLUMNS));
      for (LadonWorker worker : cluster.workers()) {
        JsonNode health = Health.worker(cluster, worker.name());
        int rank = health.get("rank").intValue();
        ShardInventory inventory = ShardInventory.of(plan, model.header(), rank);
        assertThat(filesOf(worker)).as(worker.name()).isEqualTo(expected(model, inventory));
        assertThat(health.get("fetched_bytes").longValue()).isEqualTo(inventory.bytes());
        assertThat(packedBytes(worker))
            .as("one packed shard of about the slices' size")
            .hasSize(1)
            .allMatch(bytes -> bytes > inventory.bytes() && bytes < 1.25 * inventory.bytes());
        assertThat(run(worker, "find", "/", "-xdev", "-name", "*.gguf")).isBlank();
      }
      assertThat(new Chat(cluster).ask(Chat.QUESTIONS.getFirst()))
          .isEqualTo(Model.expected().getFirst());

      LadonWorker restarted = cluster.worker(1);
      int rank = Health.worker(cluster, restarted.name()).get("rank").intValue();
      assertThat(restarted.stop()).as("exit code after TERM").isEqualTo(143);
      Awaitility.await("the coordinator misses it")
          .atMost(Duration.ofSeconds(20))
          .until(() -> !cluster.isReady());
      restarted.start();
      cluster.awaitReady(Duration.ofSeconds(30));
      JsonNode health = Health.worker(cluster, restarted.name());
      assertThat(health.get("rank").intValue()).isEqualTo(rank);
      assertThat(health.get("fetched_bytes").longValue()).isZero();
      assertThat(new Chat(cluster).ask(Chat.QUESTIONS.getFirst()))
          .isEqualTo(Model.expected().getFirst());
    }
  }

  @Test
  void aNewCoordinatorSendsNothingAgain() throws Exception {
    try (LadonCluster cluster = Model.cluster("new-coordinator", WORKERS)) {
      cluster.start();
      Map<String, Integer> ranks = ranks(cluster);
      for (String worker : ranks.keySet()) {
        assertThat(Health.worker(cluster, worker).get("fetched_bytes").longValue()).isPositive();
      }
      for (int i = 0; i < 2; i++) { // in whichever order they join again
        cluster.replaceCoordinator();
        assertThat(ranks(cluster)).isEqualTo(ranks);
        for (String worker : ranks.keySet()) {
          assertThat(Health.worker(cluster, worker).get("fetched_bytes").longValue())
              .as("sent again to %s", worker)
              .isZero();
        }
      }
      assertThat(new Chat(cluster).ask(Chat.QUESTIONS.getFirst()))
          .isEqualTo(Model.expected().getFirst());
    }
  }

  /** By the worker's name. */
  private static Map<String, Integer> ranks(LadonCluster cluster) throws Exception {
    Map<String, Integer> ranks = new TreeMap<>();
    for (LadonWorker worker : cluster.workers()) {
      ranks.put(worker.name(), Health.worker(cluster, worker.name()).get("rank").intValue());
    }
    return ranks;
  }

  private static String run(LadonWorker worker, String... command) throws Exception {
    ExecResult result = worker.exec(command);
    assertThat(result.getExitCode()).as(result.getStderr()).isZero();
    return result.getStdout();
  }

  private static List<Long> packedBytes(LadonWorker worker) throws Exception {
    String sizes = run(worker, "sh", "-c", "stat -c %s $(find /var/lib/ladon/packed -type f)");
    return sizes.lines().map(Long::valueOf).toList();
  }

  /** SHA-256 of each file in the worker's volume, by tensor and rows as the name has them. */
  private static Map<String, String> filesOf(LadonWorker worker) throws Exception {
    String sums =
        run(worker, "sh", "-c", "find /var/lib/ladon/shards -type f -print0 | xargs -0 sha256sum");
    Map<String, String> files = new TreeMap<>();
    sums.lines().forEach(line -> files.put(line.replaceAll(".*/", ""), line.substring(0, 64)));
    return files;
  }

  private static Map<String, String> expected(GgufFile model, ShardInventory inventory)
      throws Exception {
    Map<String, String> files = new TreeMap<>();
    for (TensorSlice slice : inventory.slices()) {
      byte[] bytes = model.slice(slice).toArray(ValueLayout.JAVA_BYTE);
      files.put(
          "%s-r%d-%d-c%d-%d.bin"
              .formatted(
                  slice.tensor(),
                  slice.rowBegin(),
                  slice.rowEnd(),
                  slice.columnBegin(),
                  slice.columnEnd()),
          HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)));
    }
    return files;
  }
}
