package io.ladon.coordinator;

import io.ladon.engine.model.ModelSpec;

/**
 * How much of everything there may be. Message sizes follow from these and the model.
 *
 * @param contextLength positions of one request; 0 for the model's own, {@value
 *     #DEFAULT_CONTEXT_LENGTH} at most
 * @param kvBlocks KV blocks of 16 positions on each rank, the one kept for practice not counted; 0
 *     for one whole context, or four requests of 4096 positions if that is more
 * @param maxRunning requests that share steps
 * @param maxQueued requests that wait for blocks; one more gets {@code QUEUE_FULL}
 * @param maxStepTokens tokens of one step, at least {@code maxRunning}
 * @param prefillChunk prompt tokens of a step in which other requests decode: what a long prompt
 *     may cost the others' next token; alone, a prompt fills the step
 * @param maxCandidates candidates that a rank may be asked for
 * @param defaultMaxTokens tokens generated for a request that names no limit, if the context leaves
 *     that many
 * @param warmUpSteps steps of a new plan until all code of a step should be compiled: where
 *     requests do not come, practice
 * @param draftTokens tokens of one step that are drafted: what the texts so far make probable is
 *     tested beside each sequence's next token; 0 for none
 */
public record Limits(
    int contextLength,
    int kvBlocks,
    int maxRunning,
    int maxQueued,
    int maxStepTokens,
    int prefillChunk,
    int maxCandidates,
    int defaultMaxTokens,
    int warmUpSteps,
    int draftTokens) {

  /** Positions of a KV block. */
  public static final int BLOCK_POSITIONS = 16;

  /** Longest context unless told otherwise: a longer one should be somebody's decision. */
  public static final int DEFAULT_CONTEXT_LENGTH = 8192;

  private static final int DEFAULT_REQUESTS = 4;
  private static final int DEFAULT_REQUEST_POSITIONS = 4096;

  public Limits {
    atLeast("contextLength", contextLength, 0);
    atLeast("kvBlocks", kvBlocks, 0);
    atLeast("maxRunning", maxRunning, 1);
    atLeast("maxQueued", maxQueued, 1);
    atLeast("maxStepTokens", maxStepTokens, maxRunning);
    atLeast("prefillChunk", prefillChunk, 1);
    atLeast("maxCandidates", maxCandidates, 32);
    atLeast("defaultMaxTokens", defaultMaxTokens, 1);
    atLeast("warmUpSteps", warmUpSteps, 1);
    atLeast("draftTokens", draftTokens, 0);
  }

  /** What is used unless told otherwise. */
  public static Limits defaults() {
    return new Limits(0, 0, 64, 256, 512, 256, 256, 2048, 1, 16);
  }

  /** These limits with another context length. */
  public Limits withContextLength(int positions) {
    return new Limits(
        positions,
        kvBlocks,
        maxRunning,
        maxQueued,
        maxStepTokens,
        prefillChunk,
        maxCandidates,
        defaultMaxTokens,
        warmUpSteps,
        draftTokens);
  }

  /** These limits with another number of KV blocks. */
  public Limits withKvBlocks(int blocks) {
    return new Limits(
        contextLength,
        blocks,
        maxRunning,
        maxQueued,
        maxStepTokens,
        prefillChunk,
        maxCandidates,
        defaultMaxTokens,
        warmUpSteps,
        draftTokens);
  }

  /** These limits with other bounds of running and waiting requests. */
  public Limits withRequests(int running, int queued) {
    return new Limits(
        contextLength,
        kvBlocks,
        running,
        queued,
        maxStepTokens,
        prefillChunk,
        maxCandidates,
        defaultMaxTokens,
        warmUpSteps,
        draftTokens);
  }

  /** These limits with other sizes of a step and of a prefill chunk beside decoding requests. */
  public Limits withStep(int tokens, int chunk) {
    return new Limits(
        contextLength,
        kvBlocks,
        maxRunning,
        maxQueued,
        tokens,
        chunk,
        maxCandidates,
        defaultMaxTokens,
        warmUpSteps,
        draftTokens);
  }

  /** These limits with another number of steps to warm up with. */
  public Limits withWarmUp(int steps) {
    return new Limits(
        contextLength,
        kvBlocks,
        maxRunning,
        maxQueued,
        maxStepTokens,
        prefillChunk,
        maxCandidates,
        defaultMaxTokens,
        steps,
        draftTokens);
  }

  /** These limits with another number of tokens that are drafted. */
  public Limits withDrafts(int tokens) {
    return new Limits(
        contextLength,
        kvBlocks,
        maxRunning,
        maxQueued,
        maxStepTokens,
        prefillChunk,
        maxCandidates,
        defaultMaxTokens,
        warmUpSteps,
        tokens);
  }

  /** Tokens of one step whose candidates the ranks may be asked for. */
  public int maxStepAsked() {
    return Math.min(maxStepTokens, maxRunning + draftTokens);
  }

  /**
   * Positions that one request may use.
   *
   * @throws IllegalArgumentException if the model has fewer than were asked for, or the KV blocks
   *     hold fewer
   */
  public int contextLength(ModelSpec spec) {
    if (contextLength > spec.contextLength()) {
      throw new IllegalArgumentException(
          "a context of %d positions: the model was made for %d"
              .formatted(contextLength, spec.contextLength()));
    }
    long held = kvBlocks == 0 ? Long.MAX_VALUE : (long) kvBlocks * BLOCK_POSITIONS;
    if (contextLength > held) {
      throw new IllegalArgumentException(
          "a context of %d positions: %d KV blocks hold %d"
              .formatted(contextLength, kvBlocks, held));
    }
    int wanted =
        contextLength > 0 ? contextLength : Math.min(spec.contextLength(), DEFAULT_CONTEXT_LENGTH);
    return (int) Math.min(wanted, held);
  }

  /** KV blocks that requests can have on each rank. */
  public int kvBlocks(ModelSpec spec) {
    if (kvBlocks > 0) {
      return kvBlocks;
    }
    int context = contextLength(spec);
    return Math.max(
        blocksFor(context),
        DEFAULT_REQUESTS * blocksFor(Math.min(context, DEFAULT_REQUEST_POSITIONS)));
  }

  /** Blocks that hold some positions. */
  public static int blocksFor(int positions) {
    return Math.ceilDiv(positions, BLOCK_POSITIONS);
  }

  private static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "%s must be at least %d, not %d".formatted(name, least, value));
    }
  }
}
