package io.ladon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ladon.coordinator.CoordinatorOptions;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.plan.Split;
import io.ladon.engine.synth.SyntheticModel;
import io.ladon.engine.synth.SyntheticShapes;
import io.ladon.engine.synth.TensorTypes;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Coordinator and workers together, on small random-weight models. */
@Timeout(300)
final class InProcessClusterTest {

  private static final int VOCABULARY = 700; // of the tiny shapes

  @TempDir private Path folder;

  private CoordinatorOptions options(String shape, TensorType type, int workers)
      throws IOException {
    Path path = folder.resolve(shape + ".gguf");
    SyntheticModel.write(SyntheticShapes.of(shape), TensorTypes.uniform(type), 1, path);
    return CoordinatorOptions.of(path, workers);
  }

  /** Greedy and drawn texts of prompts of several lengths, with all the log-probabilities. */
  private static List<GenerationRequest> requests() {
    Random random = new Random(7);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      SamplingOptions sampling =
          i % 2 == 0 ? SamplingOptions.GREEDY : new SamplingOptions(1.5f, 0.99f, 0, 0, i);
      requests.add(
          new GenerationRequest(
              random.ints(1 + i * 23, 0, VOCABULARY).toArray(), 12, sampling, 5, true));
    }
    return requests;
  }

  private List<List<GeneratedToken>> alone(
      CoordinatorOptions options, List<GenerationRequest> requests)
      throws IOException,
          InterruptedException,
          ExecutionException,
          TimeoutException,
          ServiceException {
    List<List<GeneratedToken>> texts = new ArrayList<>();
    try (InProcessCluster cluster = InProcessCluster.start(options, folder)) {
      for (GenerationRequest request : requests) {
        texts.add(InProcessCluster.await(cluster.submit(request)));
      }
    }
    return texts;
  }

  private List<List<GeneratedToken>> together(CoordinatorOptions options)
      throws IOException,
          InterruptedException,
          ExecutionException,
          TimeoutException,
          ServiceException {
    List<List<GeneratedToken>> texts = new ArrayList<>();
    try (InProcessCluster cluster = InProcessCluster.start(options, folder)) {
      List<CompletableFuture<List<GeneratedToken>>> running = new ArrayList<>();
      for (GenerationRequest request : requests()) {
        running.add(cluster.submit(request));
      }
      for (CompletableFuture<List<GeneratedToken>> each : running) {
        texts.add(InProcessCluster.await(each));
      }
    }
    return texts;
  }

  @ParameterizedTest
  @CsvSource({
    "tiny-llama, Q4_0",
    "tiny-qwen2, Q8_0",
    "tiny-qwen3, F16",
    "tiny-gemma3, Q4_1",
  })
  void theSameBitsOnAnyNumberOfWorkersAloneAndTogether(String shape, TensorType type)
      throws Exception {
    List<List<GeneratedToken>> expected = alone(options(shape, type, 1), requests());
    assertThat(expected).allSatisfy(text -> assertThat(text).hasSize(12));
    assertThat(together(options(shape, type, 2))).isEqualTo(expected);
    CoordinatorOptions rows = options(shape, type, 3).withSplits(Split.ROWS, Split.WHOLE);
    assertThat(together(rows.withLimits(Limits.defaults().withStep(64, 5)))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"tiny-llama, Q4_0", "tiny-gemma3, Q8_0"})
  void draftsChangeNoBit(String shape, TensorType type) throws Exception {
    // One text that goes round, and one that is drawn where all pairs have stood before.
    int[] round = new int[120];
    int[] pairs = new Random(3).ints(120, 0, 3).toArray();
    for (int i = 0; i < round.length; i++) {
      round[i] = 10 + i % 7;
    }
    List<GenerationRequest> requests =
        List.of(
            new GenerationRequest(round, 150, SamplingOptions.GREEDY, 5, true),
            new GenerationRequest(pairs, 60, new SamplingOptions(0.3f, 1, 0, 0, 4), 5, true));
    List<List<GeneratedToken>> expected =
        alone(options(shape, type, 1).withLimits(Limits.defaults().withDrafts(0)), requests);
    // How much is drafted is up to the clock; with what comes as a prediction, something is.
    List<GenerationRequest> predicted = new ArrayList<>();
    for (int i = 0; i < requests.size(); i++) {
      GenerationRequest r = requests.get(i);
      int[] ids = expected.get(i).stream().mapToInt(GeneratedToken::id).toArray();
      predicted.add(new GenerationRequest(r.prompt(), r.maxTokens(), r.sampling(), 5, true, ids));
    }
    int accepted = 0;
    for (int workers : new int[] {1, 2, 3}) {
      CoordinatorOptions options =
          options(shape, type, workers).withLimits(Limits.defaults().withDrafts(16));
      try (InProcessCluster cluster = InProcessCluster.start(options, folder)) {
        List<List<GeneratedToken>> texts = new ArrayList<>();
        for (List<GenerationRequest> each : List.of(requests, predicted)) {
          for (GenerationRequest request : each) {
            texts.add(InProcessCluster.await(cluster.submit(request)));
          }
        }
        assertThat(texts.subList(0, 2)).isEqualTo(expected);
        assertThat(texts.subList(2, 4)).isEqualTo(expected);
        accepted += cluster.acceptedDrafts.get();
      }
    }
    assertThat(accepted).isPositive();
  }

  @Test
  void aWorkerThatLeavesFailsTheRequestAndAnotherTakesItsPlace() throws Exception {
    GenerationRequest endless =
        new GenerationRequest(new int[] {1, 2, 3}, 2000, SamplingOptions.GREEDY, -1, true);
    GenerationRequest small =
        new GenerationRequest(new int[] {1, 2, 3}, 8, SamplingOptions.GREEDY, -1, true);
    try (InProcessCluster cluster =
        InProcessCluster.start(options("tiny-llama", TensorType.Q8_0, 2), folder)) {
      List<GeneratedToken> before = InProcessCluster.await(cluster.submit(small));
      CompletableFuture<List<GeneratedToken>> lost = cluster.submit(endless);
      cluster.workers.getLast().close();
      ExecutionException failure =
          catchThrowableOfType(ExecutionException.class, () -> InProcessCluster.await(lost));
      assertThat(failure.getCause())
          .isInstanceOfSatisfying(
              ServiceException.class,
              e -> assertThat(e.code()).isIn(ErrorCode.WORKER_LOST, ErrorCode.NOT_READY))
          .hasMessageContaining("rank");
      cluster.addWorker("w1");
      cluster.awaitReady();
      assertThat(cluster.coordinator.service().status().epoch()).isGreaterThan(1);
      assertThat(InProcessCluster.await(cluster.submit(small))).isEqualTo(before);
    }
  }
}
