package io.ladon.cli.bench;

import io.ladon.cli.client.ApiClient;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Counters of a coordinator at one moment, from its metrics.
 *
 * @param exchangeSeconds spent in exchanges by all ranks
 * @param stepSeconds spent in steps by all ranks
 * @param exchangeBytes sent by all ranks to their peers
 * @param acceptedTokens drafted ones that were right
 * @param decodedTokens sampled in steps without prompts
 * @param decodeSeconds of these steps and what lay between them
 * @param decodeExchangeSeconds of these steps, spent in exchanges by all ranks
 * @param decodeStepSeconds of these steps, spent in them by all ranks
 */
record ServerFigures(
    double exchangeSeconds,
    double stepSeconds,
    double exchangeBytes,
    double acceptedTokens,
    double decodedTokens,
    double decodeSeconds,
    double decodeExchangeSeconds,
    double decodeStepSeconds) {

  static ServerFigures read(ApiClient client) throws IOException {
    Map<String, Double> values = new HashMap<>();
    client
        .text("/metrics")
        .lines()
        .filter(line -> line.startsWith("ladon_") && line.contains("_total "))
        .forEach(
            line -> {
              int space = line.lastIndexOf(' ');
              values.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1)));
            });
    return new ServerFigures(
        value(values, "ladon_rank_exchange_seconds_total"),
        value(values, "ladon_rank_step_seconds_total"),
        value(values, "ladon_rank_exchange_bytes_total"),
        value(values, "ladon_tokens_drafted_accepted_total"),
        value(values, "ladon_decode_tokens_total"),
        value(values, "ladon_decode_seconds_total"),
        value(values, "ladon_decode_rank_exchange_seconds_total"),
        value(values, "ladon_decode_rank_step_seconds_total"));
  }

  private static double value(Map<String, Double> values, String name) throws IOException {
    Double value = values.get(name);
    if (value == null) {
      throw new IOException("the coordinator's metrics lack " + name);
    }
    return value;
  }

  ServerFigures since(ServerFigures before) {
    return new ServerFigures(
        exchangeSeconds - before.exchangeSeconds,
        stepSeconds - before.stepSeconds,
        exchangeBytes - before.exchangeBytes,
        acceptedTokens - before.acceptedTokens,
        decodedTokens - before.decodedTokens,
        decodeSeconds - before.decodeSeconds,
        decodeExchangeSeconds - before.decodeExchangeSeconds,
        decodeStepSeconds - before.decodeStepSeconds);
  }

  /** Of all requests together. */
  double decodedTokensPerSecond() {
    return decodeSeconds <= 0 ? 0 : decodedTokens / decodeSeconds;
  }

  /** Part of the ranks' time that went into exchanges. */
  double exchangeShare() {
    return stepSeconds <= 0 ? 0 : exchangeSeconds / stepSeconds;
  }

  /** The same in steps without prompts. */
  double decodeExchangeShare() {
    return decodeStepSeconds <= 0 ? 0 : decodeExchangeSeconds / decodeStepSeconds;
  }
}
