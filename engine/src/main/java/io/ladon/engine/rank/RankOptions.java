package io.ladon.engine.rank;

import io.ladon.engine.attention.KvType;

/**
 * What a rank allocates at its start; no step may exceed it.
 *
 * @param kvBlocks KV blocks, 16 positions each
 * @param kvType how KV elements are kept
 * @param maxStepTokens tokens of one step, all runs together
 * @param maxStepRuns runs of one step
 * @param maxStepAsked tokens of one step whose candidates are asked for
 * @param maxCandidates candidates of one token that may be asked for
 */
public record RankOptions(
    int kvBlocks,
    KvType kvType,
    int maxStepTokens,
    int maxStepRuns,
    int maxStepAsked,
    int maxCandidates) {

  public RankOptions {
    requirePositive("kvBlocks", kvBlocks);
    requirePositive("maxStepTokens", maxStepTokens);
    requirePositive("maxStepRuns", maxStepRuns);
    requirePositive("maxStepAsked", maxStepAsked);
    requirePositive("maxCandidates", maxCandidates);
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " must be at least 1, not " + value);
    }
  }
}
