package io.ladon.coordinator;

import io.ladon.coordinator.api.ApiOptions;
import io.ladon.coordinator.api.ApiServer;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.template.ChatTemplate;
import io.ladon.coordinator.tokenizer.Tokenizer;
import io.ladon.coordinator.tokenizer.Tokenizers;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A coordinator: takes workers and clients, and makes one model of the former for the latter. */
public final class Coordinator implements AutoCloseable {

  private final CoordinatorOptions options;
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private volatile @Nullable Tokenizer tokenizer;
  private @Nullable GgufFile file;
  private @Nullable ClusterRuntime runtime;
  private @Nullable ApiServer api;

  public Coordinator(CoordinatorOptions options) {
    this.options = options;
  }

  /**
   * Opens the model and listens for workers and clients.
   *
   * @throws IOException if the model cannot be read or an address cannot be had
   * @throws IllegalArgumentException if options do not fit the model; the message says what would
   */
  public void start() throws IOException {
    listenForWorkers();
    listenForClients();
  }

  /**
   * The first half of {@link #start}: workers join and load from now on, while the second half,
   * which takes as long, is under way.
   */
  public void listenForWorkers() throws IOException {
    if (file != null) {
      throw new IllegalStateException("started already");
    }
    try {
      GgufFile opened = GgufFile.open(options.model());
      file = opened;
      ClusterRuntime cluster =
          new ClusterRuntime(
              options, opened, this::isEndOfGeneration, registry, InstantSource.system());
      runtime = cluster;
      cluster.start();
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The second half of {@link #start}. */
  public void listenForClients() throws IOException {
    ClusterRuntime cluster = runtime();
    GgufHeader header = Objects.requireNonNull(file).header();
    try {
      Tokenizer read = Tokenizers.of(header);
      tokenizer = read;
      ApiServer server =
          new ApiServer(cluster, read, ChatTemplate.of(header), registry, apiOptions(options));
      api = server;
      server.start();
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Before there is a tokenizer nobody can ask for a text, so none has an end. */
  private boolean isEndOfGeneration(int token) {
    Tokenizer known = tokenizer;
    return known != null && known.isEndOfGeneration(token);
  }

  private static ApiOptions apiOptions(CoordinatorOptions options) throws IOException {
    Timeouts timeouts = options.timeouts();
    Duration patience = timeouts.queue().plus(timeouts.step()).plus(timeouts.logits());
    return ApiOptions.at(options.apiListen().resolve())
        .withDefaultMaxTokens(options.limits().defaultMaxTokens())
        // The API's own patience is for what the scheduler's deadlines do not see.
        .withStallTimeout(patience.plus(patience));
  }

  private ClusterRuntime runtime() {
    ClusterRuntime started = runtime;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    return started;
  }

  /** Where workers join, with the port that was given. */
  public HostPort workerAddress() {
    return new HostPort(options.listen().host(), runtime().port());
  }

  /** Where clients are served, with the port that was given. */
  public HostPort apiAddress() {
    ApiServer started = api;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    return new HostPort(options.apiListen().host(), started.address().getPort());
  }

  /** What the API serves, for callers in this process. */
  public GenerationService service() {
    return runtime();
  }

  /** Waits until the cluster serves; false when it does not within the limit. */
  public boolean awaitReady(Duration limit) throws InterruptedException {
    return runtime().awaitReady(limit);
  }

  /** Stops serving, releases the workers and closes the model. Idempotent. */
  @Override
  public void close() {
    ApiServer server = api;
    api = null;
    if (server != null) {
      server.close();
    }
    ClusterRuntime started = runtime;
    runtime = null;
    if (started != null) {
      started.close();
    }
    GgufFile opened = file;
    file = null;
    if (opened != null) {
      opened.close();
    }
    registry.close();
  }
}
