package io.ladon.engine.rank;

import io.ladon.engine.attention.KvCache;
import java.util.List;

/** The runs of the current step, laid out by token. */
final class StepRuns {

  private final int[] runOf; // (token)
  private final int[] positions; // (token)
  private final int[] unitToken; // first token of each unit
  private final int[] unitTokens;
  private final int[] asked; // tokens whose candidates are asked for, ascending
  private List<Run> runs = List.of();
  private int tokens;
  private int units;
  private int askedCount;

  StepRuns(int maxTokens, int maxAsked) {
    this.runOf = new int[maxTokens];
    this.positions = new int[maxTokens];
    this.unitToken = new int[maxTokens];
    this.unitTokens = new int[maxTokens];
    this.asked = new int[maxAsked];
  }

  /**
   * @param together tokens of one run that make a unit at most
   */
  void begin(List<Run> stepRuns, int together) {
    runs = stepRuns;
    tokens = 0;
    units = 0;
    askedCount = 0;
    for (int r = 0; r < stepRuns.size(); r++) {
      Run run = stepRuns.get(r);
      for (int i = 0; i < run.tokens(); i++) {
        if (i % together == 0) {
          unitToken[units] = tokens;
          unitTokens[units++] = Math.min(together, run.tokens() - i);
        }
        runOf[tokens] = r;
        positions[tokens++] = run.start() + i;
      }
      int asks = run.candidates() == null ? 0 : run.candidates().tokens();
      for (int token = tokens - asks; token < tokens; token++) {
        asked[askedCount++] = token;
      }
    }
  }

  /** Tokens of all runs. */
  int tokens() {
    return tokens;
  }

  int position(int token) {
    return positions[token];
  }

  /** Behind the tokens of the same run that follow a token, itself included. */
  int consecutiveEnd(int token) {
    int end = token + 1;
    while (end < tokens && runOf[end] == runOf[token]) {
      end++;
    }
    return end;
  }

  /** KV blocks of a token's sequence. */
  int[] blocks(int token) {
    return runs.get(runOf[token]).blocks();
  }

  /** The KV block that a token's own position is in. */
  int block(int token) {
    return blocks(token)[positions[token] / KvCache.BLOCK];
  }

  /** Parts of runs whose tokens are attended together. */
  int units() {
    return units;
  }

  /** First token of a unit. */
  int unitToken(int unit) {
    return unitToken[unit];
  }

  /** Tokens of a unit. */
  int unitTokens(int unit) {
    return unitTokens[unit];
  }

  /** Tokens whose candidates are asked for. */
  int asked() {
    return askedCount;
  }

  /** The i-th token whose candidates are asked for; grows with i. */
  int askedToken(int i) {
    return asked[i];
  }

  /** Index in the step of a token's run. */
  int runOf(int token) {
    return runOf[token];
  }

  /** A token's index in its run. */
  int indexInRun(int token) {
    return positions[token] - runs.get(runOf[token]).start();
  }

  Run run(int index) {
    return runs.get(index);
  }
}
