package io.ladon.engine.rank;

import java.util.List;

/**
 * What one rank answers to a step.
 *
 * @param results of those tokens whose candidates were asked for, in order
 * @param computeNanos wall time of the step in this rank, exchanges included
 * @param exchangeNanos of it, the time spent in exchanges
 * @param exchangeBytes sent by this rank to its peers in this step
 */
public record StepResult(
    long epoch,
    long number,
    List<TokenResult> results,
    long computeNanos,
    long exchangeNanos,
    long exchangeBytes) {

  /**
   * What a rank knows of the vocabulary rows that it owns after one of a run's tokens. The
   * vocabulary is cut into tiles of {@link io.ladon.engine.plan.ShardPlan#VOCABULARY_TILE} rows, a
   * property of the model, and a rank owns whole tiles: so sums over the vocabulary do not depend
   * on the number of ranks.
   *
   * @param run index in the step
   * @param token index in the run
   * @param ids best candidates: descending logit, then ascending id
   * @param logits of {@code ids}
   * @param tileMax largest logit of each of this rank's tiles
   * @param tileSum sum of exp(logit - tileMax) in each tile; empty where no sums were asked for
   * @param tileSumScaled sum of exp((logit - tileMax) / temperature) in each tile; empty where the
   *     temperature asked for is 0
   */
  public record TokenResult(
      int run,
      int token,
      int[] ids,
      float[] logits,
      float[] tileMax,
      float[] tileSum,
      float[] tileSumScaled) {}
}
