package io.ladon.cli;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of a request that say how tokens are picked and how many. */
final class SamplingOptions {

  @Option(
      names = {"-n", "--max-tokens"},
      description = "longest answer, in tokens (default: ${DEFAULT-VALUE})",
      defaultValue = "512")
  int maxTokens;

  @Option(
      names = "--temperature",
      description = "0 always takes the likeliest token (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  double temperature;

  @Option(names = "--top-p", description = "only the likeliest tokens up to this probability")
  @Nullable Double topP;

  @Option(names = "--top-k", description = "only this many of the likeliest tokens")
  @Nullable Integer topK;

  @Option(
      names = "--min-p",
      description = "only tokens at least this likely, relative to the likeliest")
  @Nullable Double minP;

  @Option(names = "--seed", description = "the same seed gives the same answer")
  @Nullable Long seed;

  /** Adds what was given to a request's parameters. */
  void addTo(Map<String, Object> parameters) {
    parameters.put("max_tokens", maxTokens);
    parameters.put("temperature", temperature);
    putIfGiven(parameters, "top_p", topP);
    putIfGiven(parameters, "top_k", topK);
    putIfGiven(parameters, "min_p", minP);
    putIfGiven(parameters, "seed", seed);
  }

  private static void putIfGiven(
      Map<String, Object> parameters, String name, @Nullable Object value) {
    if (value != null) {
      parameters.put(name, value);
    }
  }
}
