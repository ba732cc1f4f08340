package io.ladon.engine.rank;

import io.ladon.engine.attention.KvCache;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.rank.Run.CandidateRequest;
import java.util.List;

/** Refuses a step that does not fit the model or what the rank has allocated. */
final class StepChecks {

  private final ModelSpec spec;
  private final RankOptions options;
  private final long embeddingRowBytes;

  StepChecks(ModelSpec spec, RankOptions options, long embeddingRowBytes) {
    this.spec = spec;
    this.options = options;
    this.embeddingRowBytes = embeddingRowBytes;
  }

  /**
   * @throws IllegalArgumentException naming the field
   */
  void check(Step step) {
    List<Run> runs = step.runs();
    if (runs.isEmpty() || runs.size() > options.maxStepRuns()) {
      throw new IllegalArgumentException(
          "runs: %d are not 1 to %d".formatted(runs.size(), options.maxStepRuns()));
    }
    long tokens = 0;
    long asked = 0;
    for (int i = 0; i < runs.size(); i++) {
      checkPlace(i, runs.get(i));
      checkBlocks(i, runs.get(i));
      CandidateRequest request = runs.get(i).candidates();
      if (request != null) {
        checkCandidates(i, runs.get(i).tokens(), request);
        asked += request.tokens();
      }
      tokens += runs.get(i).tokens();
    }
    if (asked > options.maxStepAsked()) {
      throw new IllegalArgumentException(
          "candidates: asked for of %d tokens, more than the %d of which a step may"
              .formatted(asked, options.maxStepAsked()));
    }
    if (tokens > options.maxStepTokens()) {
      throw new IllegalArgumentException(
          "tokens: %d are more than the %d that a step may have"
              .formatted(tokens, options.maxStepTokens()));
    }
    if (step.embeddings().byteSize() != tokens * embeddingRowBytes) {
      throw new IllegalArgumentException(
          "embeddings: %d bytes for %d tokens of %d bytes"
              .formatted(step.embeddings().byteSize(), tokens, embeddingRowBytes));
    }
  }

  private void checkPlace(int index, Run run) {
    if (run.tokens() < 1) {
      throw new IllegalArgumentException(
          "runs[%d].tokens: %d; a run has at least one".formatted(index, run.tokens()));
    }
    if (run.start() < 0) {
      throw new IllegalArgumentException(
          "runs[%d].start: %d is negative".formatted(index, run.start()));
    }
    long end = (long) run.start() + run.tokens();
    if (end > spec.contextLength()) {
      throw new IllegalArgumentException(
          "runs[%d].start: positions up to %d, but the model's context ends at %d"
              .formatted(index, end - 1, spec.contextLength() - 1));
    }
  }

  private void checkBlocks(int index, Run run) {
    int end = run.start() + run.tokens();
    int needed = (end + KvCache.BLOCK - 1) / KvCache.BLOCK;
    if (run.blocks().length < needed) {
      throw new IllegalArgumentException(
          "runs[%d].blocks: %d for %d positions, which need %d"
              .formatted(index, run.blocks().length, end, needed));
    }
    for (int block : run.blocks()) {
      if (block < 0 || block >= options.kvBlocks()) {
        throw new IllegalArgumentException(
            "runs[%d].blocks: there is no block %d, only 0 to %d"
                .formatted(index, block, options.kvBlocks() - 1));
      }
    }
  }

  private void checkCandidates(int index, int tokens, CandidateRequest request) {
    if (request.tokens() < 1 || request.tokens() > tokens) {
      throw new IllegalArgumentException(
          "runs[%d].candidates.tokens: %d is not 1 to %d"
              .formatted(index, request.tokens(), tokens));
    }
    if (request.count() < 1 || request.count() > options.maxCandidates()) {
      throw new IllegalArgumentException(
          "runs[%d].candidates.count: %d is not 1 to %d"
              .formatted(index, request.count(), options.maxCandidates()));
    }
    if (!(request.temperature() >= 0) || request.temperature() == Float.POSITIVE_INFINITY) {
      throw new IllegalArgumentException(
          "runs[%d].candidates.temperature: %s is no temperature"
              .formatted(index, request.temperature()));
    }
  }
}
