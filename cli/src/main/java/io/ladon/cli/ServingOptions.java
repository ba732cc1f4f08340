package io.ladon.cli;

import io.ladon.cli.process.ChildOptions;
import io.ladon.coordinator.KvPrecision;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.Timeouts;
import io.ladon.engine.plan.Split;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the coordinator; commands that start one pass them on. */
final class ServingOptions {

  @Option(
      names = {"-c", "--context-length"},
      paramLabel = "TOKENS",
      description =
          "longest sequence, prompt and answer together (default: the model's own, at most 8192)")
  @Nullable Integer context;

  @Option(
      names = "--output-split",
      description =
          "split of the output projection: whole, rows or columns (default: the plan chooses)")
  @Nullable Split outputSplit;

  @Option(
      names = "--down-split",
      description = "split of down: whole, rows or columns (default: the plan chooses)")
  @Nullable Split downSplit;

  @Option(
      names = "--kv-type",
      description = "element type of the KV cache: f16, f32 or q8 (default: ${DEFAULT-VALUE})")
  KvPrecision kvType = KvPrecision.F16;

  @Option(
      names = "--kv-tokens",
      paramLabel = "TOKENS",
      description =
          "positions in the KV cache, all sequences together (default: one whole context, or four"
              + " of 4096)")
  @Nullable Integer kvTokens;

  @Option(
      names = "--step-tokens",
      paramLabel = "TOKENS",
      description = "most tokens in one step (default: ${DEFAULT-VALUE})")
  int stepTokens = 512;

  @Option(
      names = "--chunk",
      paramLabel = "TOKENS",
      description =
          "most prompt tokens in a step in which other requests decode (default: ${DEFAULT-VALUE})")
  int chunk = 256;

  @Option(
      names = "--running",
      description = "requests that share steps (default: ${DEFAULT-VALUE})")
  int running = 64;

  @Option(
      names = "--queue",
      description = "requests that may wait; more are refused with 429 (default: ${DEFAULT-VALUE})")
  int queue = 256;

  @Option(
      names = "--step-timeout",
      paramLabel = "SECONDS",
      description = "longest wait for a step of the cluster (default: ${DEFAULT-VALUE})",
      defaultValue = "60")
  double stepTimeout = 60;

  @Option(
      names = "--exchange-timeout",
      paramLabel = "SECONDS",
      description =
          "longest wait for a peer in an exchange, or for a rank once another has answered (default: ${DEFAULT-VALUE})",
      defaultValue = "5")
  double exchangeTimeout = 5;

  @Option(
      names = "--silence-timeout",
      paramLabel = "SECONDS",
      description =
          "longest time without a word between a worker and the coordinator, which exchange one"
              + " every second (default: ${DEFAULT-VALUE})",
      defaultValue = "10")
  double silenceTimeout = 10;

  @Option(
      names = "--load-timeout",
      paramLabel = "SECONDS",
      description = "longest wait for all ranks to load (default: ${DEFAULT-VALUE})",
      defaultValue = "600")
  double loadTimeout = 600;

  @Option(
      names = "--warm-up-steps",
      description =
          "steps with which a new plan practises while nobody asks, for 3 s at most, so that"
              + " requests are quick (default: ${DEFAULT-VALUE})")
  int warmUpSteps = 400;

  @Option(
      names = "--draft-tokens",
      paramLabel = "TOKENS",
      description =
          "most tokens that a step tests because the texts so far make them probable, which changes"
              + " no answer; 0 for none (default: ${DEFAULT-VALUE})")
  int draftTokens = 16;

  Limits limits() {
    Limits limits =
        Limits.defaults()
            .withRequests(running, queue)
            .withStep(stepTokens, chunk)
            .withWarmUp(warmUpSteps)
            .withDrafts(draftTokens);
    if (context != null) {
      limits = limits.withContextLength(context);
    }
    if (kvTokens != null) {
      limits = limits.withKvBlocks(Limits.blocksFor(kvTokens));
    }
    return limits;
  }

  Timeouts timeouts() {
    return Timeouts.defaults()
        .withStep(seconds(stepTimeout))
        .withExchange(seconds(exchangeTimeout))
        .withSilence(seconds(silenceTimeout))
        .withLoad(seconds(loadTimeout));
  }

  /** Passes all of this on to a coordinator, or takes it from its command line. */
  void pass(ChildOptions options) {
    context = options.optional("--context-length", context, Integer::valueOf);
    outputSplit = options.optional("--output-split", outputSplit, Split::valueOf);
    downSplit = options.optional("--down-split", downSplit, Split::valueOf);
    kvType = options.option("--kv-type", kvType, KvPrecision::valueOf);
    kvTokens = options.optional("--kv-tokens", kvTokens, Integer::valueOf);
    stepTokens = options.option("--step-tokens", stepTokens, Integer::valueOf);
    chunk = options.option("--chunk", chunk, Integer::valueOf);
    running = options.option("--running", running, Integer::valueOf);
    queue = options.option("--queue", queue, Integer::valueOf);
    warmUpSteps = options.option("--warm-up-steps", warmUpSteps, Integer::valueOf);
    draftTokens = options.option("--draft-tokens", draftTokens, Integer::valueOf);
    stepTimeout = options.option("--step-timeout", stepTimeout, Double::valueOf);
    exchangeTimeout = options.option("--exchange-timeout", exchangeTimeout, Double::valueOf);
    silenceTimeout = options.option("--silence-timeout", silenceTimeout, Double::valueOf);
    loadTimeout = options.option("--load-timeout", loadTimeout, Double::valueOf);
  }

  private static Duration seconds(double seconds) {
    return Duration.ofMillis(Math.round(seconds * 1000));
  }
}
