package io.ladon.coordinator.generate;

import java.util.Arrays;

/**
 * What a client wants generated. The arrays are the request's own: callers do not change them.
 *
 * @param prompt token ids, at least one
 * @param maxTokens tokens to generate at most, at least 1; KV blocks are reserved for them
 * @param sampling how to choose tokens
 * @param topLogprobs -1 for no log-probabilities; 0 for the chosen token's only; otherwise that
 *     many of the best tokens besides
 * @param ignoreEndOfGeneration whether tokens that end the text are kept and generation goes on
 */
public record GenerationRequest(
    int[] prompt,
    int maxTokens,
    SamplingOptions sampling,
    int topLogprobs,
    boolean ignoreEndOfGeneration) {

  @Override
  public boolean equals(Object other) {
    return other instanceof GenerationRequest that
        && Arrays.equals(prompt, that.prompt)
        && maxTokens == that.maxTokens
        && sampling.equals(that.sampling)
        && topLogprobs == that.topLogprobs
        && ignoreEndOfGeneration == that.ignoreEndOfGeneration;
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(prompt) + maxTokens;
  }

  @Override
  public String toString() {
    return "GenerationRequest[prompt of %d tokens, maxTokens=%d, %s, topLogprobs=%d]"
        .formatted(prompt.length, maxTokens, sampling, topLogprobs);
  }
}
