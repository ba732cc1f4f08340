package io.ladon.engine.rank;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One pass of the whole model over a batch of runs; the same step goes to every rank.
 *
 * @param epoch of the plan that it runs under
 * @param number grows by one with every step of an epoch
 * @param runs in the order of their tokens in the batch
 * @param embeddings the token embedding rows of all runs in order, encoded as in the checkpoint
 *     (embedding tensor's type)
 */
public record Step(long epoch, long number, List<Run> runs, MemorySegment embeddings) {

  /** Tokens of all runs. */
  public int tokens() {
    int tokens = 0;
    for (Run run : runs) {
      tokens += run.tokens();
    }
    return tokens;
  }
}
