package io.ladon.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ladon.coordinator.cluster.ScriptedWorker;
import io.ladon.coordinator.generate.ClusterStatus;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.synth.SyntheticModel;
import io.ladon.engine.synth.SyntheticShapes;
import io.ladon.engine.synth.TensorTypes;
import io.ladon.proto.Assign;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole coordinator on a random-weight model, with workers that compute nothing. */
@Timeout(60)
final class CoordinatorTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir private Path folder;

  private Path model() throws IOException {
    Path path = folder.resolve("tiny.gguf");
    SyntheticModel.write(
        SyntheticShapes.of("tiny-llama"), TensorTypes.uniform(TensorType.Q8_0), 1, path);
    return path;
  }

  private static CoordinatorOptions options(Path model, int workers) {
    return CoordinatorOptions.of(model, workers)
        .withAddresses(new HostPort("127.0.0.1", 0), new HostPort("127.0.0.1", 0));
  }

  @Test
  void servesAModelFile() throws IOException, InterruptedException, ServiceException {
    Path path = model();
    try (Coordinator coordinator = new Coordinator(options(path, 2))) {
      coordinator.start();
      assertThat(coordinator.awaitReady(Duration.ZERO)).isFalse();
      assertThat(get(coordinator, "/health/live")).isEqualTo(200);
      assertThat(get(coordinator, "/health/ready")).isEqualTo(503);
      assertThat(coordinator.service().status().reason()).isEqualTo("0 of 2 workers have joined");
      ModelSpec spec = coordinator.service().model().spec();
      int port = coordinator.workerAddress().port();
      int largest = 1 << 24;
      try (ScriptedWorker a = new ScriptedWorker(new FakeWorker(spec, "a", 1), port, largest);
          ScriptedWorker b = new ScriptedWorker(new FakeWorker(spec, "b", 2), port, largest)) {
        a.join();
        b.join();
        assertThat(coordinator.awaitReady(LIMIT)).isTrue();
        RecordingListener listener = new RecordingListener();
        coordinator
            .service()
            .submit(
                new GenerationRequest(new int[] {1, 2, 3}, 12, SamplingOptions.GREEDY, 3, true),
                listener);
        assertThat(listener.await(LIMIT).reason).isEqualTo(FinishReason.LENGTH);
        assertThat(listener.tokens).hasSize(12);
        ClusterStatus status = coordinator.service().status();
        assertThat(status.ready()).isTrue();
        assertThat(status.epoch()).isEqualTo(1);
        assertThat(status.freeBlocks()).isEqualTo(status.totalBlocks());
        assertThat(status.workers()).hasSize(2);
        assertThat(get(coordinator, "/health/ready")).isEqualTo(200);
        assertThat(get(coordinator, "/v1/models")).isEqualTo(200);
        assertThat(get(coordinator, "/metrics")).isEqualTo(200);
        Assign assign = Objects.requireNonNull(a.worker.assign);
        assertThat(assign.getCheckpointPath()).isEqualTo(path.toAbsolutePath().toString());
        assertThat(
                ModelSpecs.read(
                    GgufHeader.parse(MemorySegment.ofArray(assign.getHeader().toByteArray()))))
            .isEqualTo(spec);
      }
      assertThatExceptionOfType(ServiceException.class)
          .isThrownBy(
              () -> {
                while (true) { // until both losses are noticed
                  coordinator
                      .service()
                      .submit(
                          new GenerationRequest(new int[] {1}, 1, SamplingOptions.GREEDY, -1, true),
                          new RecordingListener());
                }
              })
          .satisfies(e -> assertThat(e.code()).isIn(ErrorCode.NOT_READY, ErrorCode.QUEUE_FULL));
    }
  }

  private static int get(Coordinator coordinator, String path)
      throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      URI uri = URI.create("http://" + coordinator.apiAddress() + path);
      return client
          .send(
              HttpRequest.newBuilder(uri).timeout(LIMIT).build(),
              HttpResponse.BodyHandlers.discarding())
          .statusCode();
    }
  }

  @Test
  void refusesWhatDoesNotFit() throws IOException {
    Path path = model();
    try (Coordinator coordinator = new Coordinator(options(path, 1000))) {
      assertThatIllegalArgumentException()
          .isThrownBy(coordinator::start)
          .withMessageContaining("1000 workers: this model has");
    }
    CoordinatorOptions context =
        options(path, 1).withLimits(Limits.defaults().withContextLength(1_000_000));
    try (Coordinator coordinator = new Coordinator(context)) {
      assertThatIllegalArgumentException()
          .isThrownBy(coordinator::start)
          .withMessageContaining("a context of 1000000 positions");
    }
    Path text = folder.resolve("text.gguf");
    Files.writeString(text, "this is no model");
    try (Coordinator coordinator = new Coordinator(options(text, 1))) {
      assertThatExceptionOfType(CheckpointException.class).isThrownBy(coordinator::start);
    }
  }
}
