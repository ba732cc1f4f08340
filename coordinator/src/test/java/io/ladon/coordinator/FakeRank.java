package io.ladon.coordinator;

import com.google.protobuf.ByteString;
import io.ladon.coordinator.sample.RankAnswers;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.LogitsResult;
import io.ladon.proto.Run;
import io.ladon.proto.Step;
import io.ladon.proto.StepResult;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;

/**
 * What one rank does in a step, with {@link FakeModel} for the maths. Its KV blocks remember whose
 * token stands where, so that blocks which two sequences share are found out.
 */
public final class FakeRank {

  private final ShardPlan plan;
  private final int rank;
  private final boolean repetitive;
  private final Entry[] cache; // by block and position in it
  private final Map<Place, float[]> latest = new HashMap<>(); // logits by token
  private long latestStep;

  private record Place(int run, int token) {}

  private record Entry(long sequence, int position, int token) {}

  public FakeRank(ShardPlan plan, int rank, int blocks) {
    this(plan, rank, blocks, false);
  }

  /**
   * @param repetitive whether the model is {@link FakeModel#repetitive}
   */
  public FakeRank(ShardPlan plan, int rank, int blocks, boolean repetitive) {
    this.plan = plan;
    this.rank = rank;
    this.repetitive = repetitive;
    this.cache = new Entry[blocks * Limits.BLOCK_POSITIONS];
  }

  /** Runs a step. */
  public StepResult run(Step step) {
    if (step.getStep() != latestStep + 1) {
      throw new AssertionError("step " + step.getStep() + " after " + latestStep);
    }
    latestStep = step.getStep();
    latest.clear();
    ByteBuffer rows = step.getEmbeddings().asReadOnlyByteBuffer();
    byte[] row =
        new byte[rows.remaining() / step.getRunsList().stream().mapToInt(Run::getTokens).sum()];
    StepResult.Builder result =
        StepResult.newBuilder()
            .setEpoch(step.getEpoch())
            .setStep(step.getStep())
            .setComputeNanos(1000)
            .setExchangeNanos(250)
            .setExchangeBytes(64);
    Range owned = plan.rank(rank).vocabulary();
    for (int r = 0; r < step.getRunsCount(); r++) {
      Run run = step.getRuns(r);
      for (int i = 0; i < run.getTokens(); i++) {
        int position = run.getStart() + i;
        rows.get(row);
        cache[slot(run, position)] = new Entry(run.getSequence(), position, FakeModel.row(row));
      }
      int asked = run.hasCandidates() ? run.getCandidates().getTokens() : 0;
      for (int token = run.getTokens() - asked; token < run.getTokens(); token++) {
        float[] logits = logits(run, token);
        latest.put(new Place(r, token), logits);
        result.addResults(
            RankAnswers.of(logits, owned.begin(), owned.end(), r, token, run.getCandidates()));
      }
    }
    if (rows.hasRemaining()) {
      throw new AssertionError(rows.remaining() + " bytes of embeddings are left over");
    }
    return result.build();
  }

  /** Answers with all logits of this rank's rows. */
  public LogitsResult logits(FetchLogits request) {
    float[] logits = latest.get(new Place(request.getRun(), request.getToken()));
    if (request.getStep() != latestStep || logits == null) {
      throw new AssertionError("no logits for " + request);
    }
    Range rows = plan.rank(rank).vocabulary();
    ByteBuffer bytes =
        ByteBuffer.allocate(rows.size() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(logits, rows.begin(), rows.size());
    return LogitsResult.newBuilder()
        .setEpoch(request.getEpoch())
        .setStep(request.getStep())
        .setRun(request.getRun())
        .setToken(request.getToken())
        .setLogits(ByteString.copyFrom(bytes))
        .build();
  }

  /** Logits of the whole vocabulary after a token of a run. */
  private float[] logits(Run run, int token) {
    int size = plan.spec().vocabularySize();
    int state = state(run, token);
    Entry last = cache[slot(run, run.getStart() + token)];
    return repetitive
        ? FakeModel.repetitive(state, last.token, size)
        : FakeModel.logits(state, size);
  }

  private int state(Run run, int token) {
    int state = FakeModel.EMPTY;
    for (int p = 0; p <= run.getStart() + token; p++) {
      Entry entry = cache[slot(run, p)];
      if (entry == null || entry.sequence != run.getSequence() || entry.position != p) {
        throw new AssertionError(
            "sequence %d, position %d: the block holds %s".formatted(run.getSequence(), p, entry));
      }
      state = FakeModel.next(state, entry.token);
    }
    return state;
  }

  private static int slot(Run run, int position) {
    return run.getBlocks(position / Limits.BLOCK_POSITIONS) * Limits.BLOCK_POSITIONS
        + position % Limits.BLOCK_POSITIONS;
  }
}
