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
 * @param prediction token ids of a text that the answer is expected to repeat in parts: where it
 *     does, it is there sooner; empty for none
 */
public record GenerationRequest(
    int[] prompt,
    int maxTokens,
    SamplingOptions sampling,
    int topLogprobs,
    boolean ignoreEndOfGeneration,
    int[] prediction) {

  private static final int[] NOTHING = {};

  /** Without a prediction. */
  public GenerationRequest(
      int[] prompt,
      int maxTokens,
      SamplingOptions sampling,
      int topLogprobs,
      boolean ignoreEndOfGeneration) {
    this(prompt, maxTokens, sampling, topLogprobs, ignoreEndOfGeneration, NOTHING);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof GenerationRequest that
        && Arrays.equals(prompt, that.prompt)
        && maxTokens == that.maxTokens
        && sampling.equals(that.sampling)
        && topLogprobs == that.topLogprobs
        && ignoreEndOfGeneration == that.ignoreEndOfGeneration
        && Arrays.equals(prediction, that.prediction);
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
