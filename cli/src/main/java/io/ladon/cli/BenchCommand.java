package io.ladon.cli;

import io.ladon.cli.bench.Bench;
import io.ladon.cli.bench.Prompts;
import io.ladon.cli.bench.ReadBandwidth;
import io.ladon.cli.bench.Spread;
import io.ladon.cli.catalogue.ModelStore;
import io.ladon.cli.client.ApiClient;
import io.ladon.cli.process.LocalCluster;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.tokenizer.Tokenizers;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.proxy.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Measures a cluster. */
@Command(
    name = "bench",
    description =
        "Starts a cluster on this machine, measures prefill and decode as a client sees them, and prints medians and"
            + " spread.",
    sortOptions = false)
final class BenchCommand implements Callable<Integer> {

  private static final int DEFAULT_PROMPT = 512;
  private static final int DEFAULT_CONTEXT = 16;

  @Option(
      names = {"-P", "--prompt"},
      paramLabel = "TOKENS",
      description = "tokens of a prompt that is prefilled (default: " + DEFAULT_PROMPT + ")")
  @Nullable Integer prompt;

  @Option(
      names = {"-G", "--generate"},
      paramLabel = "TOKENS",
      defaultValue = "128",
      description = "tokens that each request generates (default: ${DEFAULT-VALUE})")
  int generate;

  @Option(
      names = {"-C", "--concurrency"},
      defaultValue = "1",
      description = "requests at once (default: ${DEFAULT-VALUE})")
  int concurrency;

  @Option(
      names = {"-D", "--context"},
      paramLabel = "TOKENS",
      description = "positions filled before decoding is timed (default: " + DEFAULT_CONTEXT + ")")
  @Nullable Integer filled;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description =
          "a text to prefill and to go on from, in place of so many random tokens: for drafts"
              + " (--draft-tokens)")
  @Nullable Path text;

  @Option(
      names = "--repeat",
      defaultValue = "5",
      description = "measurements that count (default: ${DEFAULT-VALUE})")
  int repetitions;

  @Option(
      names = "--warm-up-runs",
      defaultValue = "2",
      description = "measurements before them that do not (default: ${DEFAULT-VALUE})")
  int warmUp;

  @Option(
      names = "--link-latency",
      paramLabel = "MICROSECONDS",
      description =
          "put each process on a machine of its own, so to speak: this long away from the others,"
              + " one way (Linux only)")
  @Nullable Double latencyMicros;

  @Option(
      names = "--link-bandwidth",
      paramLabel = "MBIT/S",
      description = "the same; of each process's link, in each direction (default: no limit)")
  @Nullable Double megabits;

  @Option(names = "--json", description = "print one JSON object")
  boolean json;

  @Mixin ClusterOptions options = new ClusterOptions();

  @Spec private CommandSpec spec = CommandSpec.create();

  /** What can be drafted depends on the text, and random tokens are none. */
  BenchCommand() {
    options.serving.draftTokens = 0;
  }

  @Override
  public Integer call() throws Exception {
    atLeast("--generate", generate, 2); // the time from the first token to the last is what counts
    atLeast("--concurrency", concurrency, 1);
    atLeast("--repeat", repetitions, 1);
    atLeast("--warm-up-runs", warmUp, 0);
    Path path = ModelStore.find(options.model);
    Prompts prompts = prompts(path);
    TcpProxy.Link link = link();
    if (link != null) {
      options.use(link);
    }
    makeRoom(prompts);
    int threads = options.workers * options.threadsOfWorker();
    double bandwidth = ReadBandwidth.measure(threads);
    try (LocalCluster cluster = options.cluster(0, false)) {
      cluster.start();
      ApiClient client = new ApiClient(cluster.awaitReady(Serving.READY_TIMEOUT));
      Bench.Workload workload =
          new Bench.Workload(prompts, generate, concurrency, repetitions, warmUp);
      Bench.Figures figures = new Bench(client, client.model(), workload).run();
      JsonNode workers = client.get("/health/ready").path("workers");
      print(prompts, figures, workers, cluster, bandwidth, Files.size(path));
    }
    return 0;
  }

  private void atLeast(String option, int value, int least) {
    if (value < least) {
      throw new ParameterException(
          spec.commandLine(), "%s is %d and must be at least %d".formatted(option, value, least));
    }
  }

  /**
   * What is prefilled and gone on from.
   *
   * @throws ParameterException if it is told in two ways, or is nothing
   */
  private Prompts prompts(Path model) throws IOException {
    try (GgufFile file = GgufFile.open(model)) {
      if (text == null) {
        int tokens = prompt == null ? DEFAULT_PROMPT : prompt;
        int context = filled == null ? DEFAULT_CONTEXT : filled;
        atLeast("--prompt", tokens, 1);
        atLeast("--context", context, 0);
        int vocabulary = ModelSpecs.read(file.header()).vocabularySize();
        return Prompts.random(tokens, Math.max(1, context), vocabulary);
      }
      if (prompt != null || filled != null) {
        throw new ParameterException(
            spec.commandLine(), "--text says what the prompt is: no --prompt or --context with it");
      }
      int[] ids = Tokenizers.of(file.header()).encode(Files.readString(text), true, true);
      if (ids.length == 0) {
        throw new ParameterException(spec.commandLine(), "--text: %s is empty".formatted(text));
      }
      return Prompts.text(ids);
    }
  }

  /** The network that was asked for; null for none. */
  private TcpProxy.@Nullable Link link() {
    if (latencyMicros == null && megabits == null) {
      return null;
    }
    double micros = latencyMicros == null ? 0 : latencyMicros;
    double bytesPerSecond = megabits == null ? 0 : megabits * 1e6 / 8;
    return new TcpProxy.Link(Math.round(micros * 1000), 0, Math.round(bytesPerSecond));
  }

  /** KV blocks for all requests at once, unless the user said how many: none should wait. */
  private void makeRoom(Prompts prompts) {
    int longest = Math.max(prompts.tokens() + 1, prompts.context() + generate);
    if (options.serving.context == null) {
      options.serving.context = longest;
    }
    if (options.serving.kvTokens == null) {
      int blocks = Limits.blocksFor(Math.max(longest, options.serving.context));
      options.serving.kvTokens = concurrency * blocks * Limits.BLOCK_POSITIONS;
    }
    options.serving.running = Math.max(options.serving.running, concurrency);
  }

  private void print(
      Prompts prompts,
      Bench.Figures figures,
      JsonNode workers,
      LocalCluster cluster,
      double bandwidth,
      long file)
      throws IOException {
    long weights = 0;
    for (JsonNode worker : workers) {
      weights += worker.path("weight_bytes").asLong();
    }
    // Each token of one sequence reads all weights once; of several, one step reads them for all.
    double read = weights * figures.decodeTokensPerSecond().median() / concurrency;
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("model", options.model);
    all.put("workers", options.workers);
    all.put("threads", options.threadsOfWorker());
    if (latencyMicros != null) {
      all.put("link_latency_us", latencyMicros);
    }
    if (megabits != null) {
      all.put("link_bandwidth_mbit", megabits);
    }
    all.put("prompt", prompts.tokens());
    all.put("generate", generate);
    all.put("concurrency", concurrency);
    all.put("context", prompts.context());
    all.put("draft_tokens", options.serving.draftTokens);
    all.put("cpu", workers.path(0).path("cpu").asString());
    all.put("kernels", workers.path(0).path("kernels").asString());
    all.put("prefill_tokens_per_second", spread(figures.prefillTokensPerSecond()));
    all.put("decode_tokens_per_second", spread(figures.decodeTokensPerSecond()));
    all.put("time_to_first_token_ms", spread(figures.timeToFirstTokenMs()));
    all.put(
        "exchange_share",
        Map.of("prefill", figures.prefillExchangeShare(), "decode", figures.decodeExchangeShare()));
    all.put(
        "exchange_bytes_per_token",
        Map.of(
            "prefill",
            figures.prefillExchangeBytesPerToken(),
            "decode",
            figures.decodeExchangeBytesPerToken()));
    all.put("accepted_draft_share", figures.acceptedDraftShare());
    all.put("weight_bytes", weights);
    all.put("read_bandwidth_bytes_per_second", bandwidth);
    all.put("bandwidth_fraction", read / bandwidth);
    long together = cluster.bytesOfAllWorkers();
    all.put("resident_bytes", cluster.residentBytesOfWorkers());
    all.put("resident_bytes_together", together);
    all.put("resident_over_file", together / (double) file);
    if (json) {
      System.out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(all));
      return;
    }
    System.out.printf("cpu: %s, kernels: %s%n", all.get("cpu"), all.get("kernels"));
    System.out.printf(
        "prefill of %d: %s tokens/s, first token after %s ms%n",
        prompts.tokens(), figures.prefillTokensPerSecond(), figures.timeToFirstTokenMs());
    System.out.printf(
        "decode of %d at %d positions: %s tokens/s%n",
        concurrency, prompts.context(), figures.decodeTokensPerSecond());
    if (options.serving.draftTokens > 0) {
      System.out.printf("drafts: %.0f %% of these tokens%n", 100 * figures.acceptedDraftShare());
    }
    System.out.printf(
        "exchanges: %.1f %% of prefill, %.1f %% of decode; %.0f bytes a decode token%n",
        100 * figures.prefillExchangeShare(),
        100 * figures.decodeExchangeShare(),
        figures.decodeExchangeBytesPerToken());
    System.out.printf(
        "weights: %.1f MB, read at %.1f of %.1f GB/s (%.0f %%)%n",
        weights / 1e6, read / 1e9, bandwidth / 1e9, 100 * read / bandwidth);
    System.out.printf(
        "memory of all workers: %.1f MB, %.2f times the file, KV cache in use included%n",
        together / 1e6, together / (double) file);
  }

  private static Map<String, Double> spread(Spread spread) {
    Map<String, Double> map = new LinkedHashMap<>();
    map.put("median", spread.median());
    map.put("min", spread.min());
    map.put("max", spread.max());
    return map;
  }
}
