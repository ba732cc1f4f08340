package io.ladon.coordinator.sample;

import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.proto.CandidateRequest;

/**
 * Chooses a token. With temperature 0 it is the one with the highest logit, the lowest id at ties.
 * Otherwise, in this order:
 *
 * <ol>
 *   <li>temperature: {@code p = softmax(logits / temperature)} over the whole vocabulary;
 *   <li>top_k: the k most probable tokens are kept and their probabilities made to add up to 1;
 *   <li>top_p: of these the most probable are kept, up to and including the one with which their
 *       sum reaches top_p;
 *   <li>min_p: of these the ones with at least min_p times the probability of the best are kept;
 *   <li>one of the rest is drawn in proportion to its probability.
 * </ol>
 *
 * <p>The best token is always kept. Temperature comes first, as in vLLM; llama.cpp, whose order is
 * the user's to choose, applies it last by default. Tokens of equal probability are in the order of
 * their ids.
 *
 * <p>Candidates come sorted, a limited number of them. Where these do not decide the draw, {@link
 * #choose} says so, and the caller comes back with all logits; the outcome is what it would have
 * been with all of them from the start.
 */
public final class Sampler {

  /** The candidates at hand do not decide. */
  public static final int ALL_NEEDED = -1;

  private static final int USUAL_CANDIDATES = 64;

  private Sampler() {}

  /**
   * What to ask of each rank: so many candidates that they mostly decide, and no sums but those
   * that {@link #choose} or log-probabilities need. For which tokens is left open.
   *
   * @param topLogprobs as in {@link io.ladon.coordinator.generate.GenerationRequest}
   * @param limit most candidates that a rank may be asked for
   */
  public static CandidateRequest candidates(SamplingOptions options, int topLogprobs, int limit) {
    int wanted = Math.max(1, topLogprobs);
    if (!options.greedy()) {
      wanted = Math.max(wanted, options.topK() > 0 ? options.topK() : USUAL_CANDIDATES);
    }
    boolean drawsFromAll = !options.greedy() && options.topK() == 0;
    boolean isPlain = options.temperature() == 1;
    return CandidateRequest.newBuilder()
        .setCount(Math.min(wanted, limit))
        .setSums(topLogprobs >= 0 || (drawsFromAll && isPlain))
        .setTemperature(drawsFromAll && !isPlain ? options.temperature() : 0)
        .build();
  }

  /**
   * The candidate that is chosen.
   *
   * @param index of the token in the generated text: the draw depends on it and the seed alone
   * @return its place in {@code d}, or {@link #ALL_NEEDED} if {@code d} is not complete and does
   *     not decide
   */
  public static int choose(SamplingOptions options, long index, Distribution d) {
    if (options.greedy()) {
      return 0;
    }
    double temperature = options.temperature();
    int topK = options.topK() > 0 ? options.topK() : Integer.MAX_VALUE;
    int known = Math.min(topK, d.size());
    boolean allKnown = d.complete() || d.size() >= topK;
    if (topK != Integer.MAX_VALUE && !allKnown) {
      return ALL_NEEDED;
    }
    double whole = topK == Integer.MAX_VALUE ? d.scaledSum() : weights(d, known, temperature);
    double uniform = Draw.uniform(options.seed(), index);
    if (options.topP() >= 1 && options.minP() <= 0) {
      int drawn = walk(d, known, temperature, uniform * whole);
      return drawn < known ? drawn : allKnown ? known - 1 : ALL_NEEDED;
    }
    double least = options.minP() * d.weight(0, temperature);
    double enough = options.topP() >= 1 ? Double.POSITIVE_INFINITY : options.topP() * whole;
    int kept = 0;
    double mass = 0;
    boolean cut = false;
    while (kept < known && !cut) {
      double weight = d.weight(kept, temperature);
      if (kept > 0 && weight < least) {
        cut = true;
      } else {
        mass += weight;
        kept++;
        cut = mass >= enough;
      }
    }
    if (!cut && !allKnown) {
      return ALL_NEEDED;
    }
    return Math.min(walk(d, kept, temperature, uniform * mass), kept - 1);
  }

  private static double weights(Distribution d, int count, double temperature) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += d.weight(i, temperature);
    }
    return sum;
  }

  /** The first candidate with which the sum of weights passes {@code target}, or {@code count}. */
  private static int walk(Distribution d, int count, double temperature, double target) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += d.weight(i, temperature);
      if (sum > target) {
        return i;
      }
    }
    return count;
  }
}
