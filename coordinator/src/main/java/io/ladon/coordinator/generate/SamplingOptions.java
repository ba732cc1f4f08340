package io.ladon.coordinator.generate;

/**
 * How the next token is chosen; {@code io.ladon.coordinator.sample.Sampler} has the exact meaning.
 *
 * @param temperature divisor of the logits; 0 takes the best token always (greedy)
 * @param topP mass of the most probable tokens that are kept, in (0, 1]; 1 keeps all
 * @param topK number of the most probable tokens that are kept; 0 keeps all
 * @param minP tokens less probable than this share of the best one's probability are dropped, in
 *     [0, 1]; 0 drops none
 * @param seed of the draws: equal seeds give equal texts, whatever else the cluster does
 */
public record SamplingOptions(float temperature, float topP, int topK, float minP, long seed) {

  /** The best token, always. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 1, 0, 0, 0);

  /** Whether the best token is taken without a draw. */
  public boolean greedy() {
    return temperature == 0;
  }
}
