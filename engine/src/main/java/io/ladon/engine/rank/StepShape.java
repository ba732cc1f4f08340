package io.ladon.engine.rank;

/**
 * The tokens of the current step, and which of them this rank finishes.
 *
 * <p>In a small step every rank finishes every token. A large one is cut: rank r finishes its share
 * of the tokens and the others get the results, which saves repeated work and traffic. Sums, norms
 * and rounding are the same ones, so are the bits.
 */
final class StepShape {

  private final int rank;
  private final int ranks;
  private final int cutFrom;
  private int tokens;
  private boolean cut;

  /**
   * @param cutFrom tokens for each rank from which steps are cut; the same in all ranks
   */
  StepShape(int rank, int ranks, int cutFrom) {
    this.rank = rank;
    this.ranks = ranks;
    this.cutFrom = cutFrom;
  }

  void begin(int stepTokens) {
    tokens = stepTokens;
    cut = cuts(stepTokens);
  }

  int tokens() {
    return tokens;
  }

  int ranks() {
    return ranks;
  }

  /** Whether each rank finishes its share only. */
  boolean isCut() {
    return cut;
  }

  /** First token that this rank finishes. */
  int mineBegin() {
    return cut ? shareBegin(rank) : 0;
  }

  int mineEnd() {
    return cut ? shareBegin(rank + 1) : tokens;
  }

  /** First token of a rank's share. */
  int shareBegin(int ofRank) {
    return (int) ((long) tokens * ofRank / ranks);
  }

  int shareEnd(int ofRank) {
    return shareBegin(ofRank + 1);
  }

  /** Tokens that one rank finishes at most in steps of at most {@code maxTokens}. */
  int maxMine(int maxTokens) {
    if (!cuts(maxTokens)) {
      return maxTokens;
    }
    int uncut = Math.max(1, cutFrom * ranks - 1);
    return Math.min(maxTokens, Math.max(uncut, maxTokens / ranks + 1));
  }

  private boolean cuts(int stepTokens) {
    return ranks > 1 && stepTokens >= cutFrom * ranks;
  }
}
