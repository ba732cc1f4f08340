package io.ladon.coordinator.generate;

import java.util.List;

/**
 * One generated token.
 *
 * @param logprob natural logarithm of its probability under the model itself (temperature 1,
 *     nothing filtered); NaN when the request asked for no log-probabilities
 * @param top the best tokens, best first, as many as the request asked for
 */
public record GeneratedToken(int id, double logprob, List<TokenLogprob> top) {

  public GeneratedToken {
    top = List.copyOf(top);
  }
}
