package io.ladon.cli;

import io.ladon.coordinator.KvPrecision;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.Timeouts;
import io.ladon.engine.plan.Split;
import java.time.Duration;
import java.util.List;
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
      description = "element type of the KV cache: f16, f32 or q8 (default: ${DEFAULT-VALUE})",
      defaultValue = "F16")
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
      description = "most tokens in one step (default: ${DEFAULT-VALUE})",
      defaultValue = "512")
  int stepTokens;

  @Option(
      names = "--chunk",
      paramLabel = "TOKENS",
      description =
          "most prompt tokens in a step in which other requests decode (default: ${DEFAULT-VALUE})",
      defaultValue = "256")
  int chunk;

  @Option(
      names = "--running",
      description = "requests that share steps (default: ${DEFAULT-VALUE})",
      defaultValue = "64")
  int running;

  @Option(
      names = "--queue",
      description = "requests that may wait; more are refused with 429 (default: ${DEFAULT-VALUE})",
      defaultValue = "256")
  int queue;

  @Option(
      names = "--step-timeout",
      paramLabel = "SECONDS",
      description = "longest wait for a step of the cluster (default: ${DEFAULT-VALUE})",
      defaultValue = "60")
  double stepTimeout;

  @Option(
      names = "--exchange-timeout",
      paramLabel = "SECONDS",
      description =
          "longest wait for a peer in an exchange, or for a rank once another has answered (default: ${DEFAULT-VALUE})",
      defaultValue = "5")
  double exchangeTimeout;

  @Option(
      names = "--silence-timeout",
      paramLabel = "SECONDS",
      description =
          "longest time without a word between a worker and the coordinator, which exchange one"
              + " every second (default: ${DEFAULT-VALUE})",
      defaultValue = "10")
  double silenceTimeout;

  @Option(
      names = "--load-timeout",
      paramLabel = "SECONDS",
      description = "longest wait for all ranks to load (default: ${DEFAULT-VALUE})",
      defaultValue = "600")
  double loadTimeout;

  @Option(
      names = "--warm-up-steps",
      description =
          "steps with which a new plan practises while nobody asks, for 3 s at most, so that"
              + " requests are quick (default: ${DEFAULT-VALUE})",
      defaultValue = "400")
  int warmUpSteps;

  Limits limits() {
    Limits limits =
        Limits.defaults()
            .withRequests(running, queue)
            .withStep(stepTokens, chunk)
            .withWarmUp(warmUpSteps);
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

  /** Adds all of this to a coordinator's command line. */
  void addTo(List<String> arguments) {
    add(arguments, "--context-length", context);
    add(arguments, "--output-split", outputSplit);
    add(arguments, "--down-split", downSplit);
    add(arguments, "--kv-type", kvType);
    add(arguments, "--kv-tokens", kvTokens);
    add(arguments, "--step-tokens", stepTokens);
    add(arguments, "--chunk", chunk);
    add(arguments, "--running", running);
    add(arguments, "--queue", queue);
    add(arguments, "--warm-up-steps", warmUpSteps);
    add(arguments, "--step-timeout", stepTimeout);
    add(arguments, "--exchange-timeout", exchangeTimeout);
    add(arguments, "--silence-timeout", silenceTimeout);
    add(arguments, "--load-timeout", loadTimeout);
  }

  private static Duration seconds(double seconds) {
    return Duration.ofMillis(Math.round(seconds * 1000));
  }

  private static void add(List<String> arguments, String name, @Nullable Object value) {
    if (value != null) {
      arguments.add(name);
      arguments.add(value.toString());
    }
  }
}
