package io.ladon.engine.rank;

import org.jspecify.annotations.Nullable;

/**
 * Consecutive tokens of one sequence within a step: a prefill chunk, or one decode token and the
 * draft of what may follow it.
 *
 * @param sequence the coordinator's number for the sequence, for messages
 * @param start position of the first token
 * @param tokens tokens in this run, at least 1
 * @param blocks numbers of the KV blocks that hold positions 0 .. start + tokens - 1, 16 positions
 *     a block
 * @param candidates what is asked of the last tokens' logits; null for nothing
 */
public record Run(
    long sequence, int start, int tokens, int[] blocks, @Nullable CandidateRequest candidates) {

  /**
   * @param tokens of the run, its last ones, whose logits are asked for, each alone
   * @param count candidates wanted of each rank
   * @param sums whether the sums at temperature 1 are wanted
   * @param temperature of the scaled sums; 0 when they are not wanted
   */
  public record CandidateRequest(int tokens, int count, boolean sums, float temperature) {

    /** Asks for the last token's, with sums at temperature 1. */
    public CandidateRequest(int count, float temperature) {
      this(1, count, true, temperature);
    }
  }
}
