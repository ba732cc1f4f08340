package io.ladon.coordinator.schedule;

import io.ladon.coordinator.sample.Distribution;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.CandidateRequest;
import io.ladon.proto.LogitsResult;
import io.ladon.proto.StepResult;
import io.ladon.proto.TokenResult;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** A step that the ranks are at, and what they have answered. Owned by the loop. */
final class Call {

  final Batch batch;
  final ShardPlan plan;
  final long sentNanos;

  /** When the step before it was done, if it followed at once; when it was sent otherwise. */
  long beganNanos;

  /** Tokens that requests got from it. */
  int generated;

  /** Ranks whose answer is awaited. */
  final BitSet missing = new BitSet();

  /** Whether the wait was cut short when the first answer came. */
  boolean hurried;

  /** Ends the wait for {@link #missing}; null while nothing is awaited. */
  Loop.@Nullable Timer deadline;

  private final @Nullable StepResult[] results; // by rank
  private final int[] resultsBefore; // by run: of those before it
  private final Map<Integer, Undecided> undecided = new LinkedHashMap<>(); // by run

  /** A draw that needs all logits. */
  private static final class Undecided {
    final int token; // index in the run
    final Distribution known;
    final float[] logits;
    final BitSet missing = new BitSet(); // ranks

    Undecided(int token, Distribution known, int vocabularySize, int ranks) {
      this.token = token;
      this.known = known;
      this.logits = new float[vocabularySize];
      missing.set(0, ranks);
    }
  }

  Call(Batch batch, ShardPlan plan, long sentNanos) {
    this.batch = batch;
    this.plan = plan;
    this.sentNanos = sentNanos;
    this.beganNanos = sentNanos;
    this.results = new StepResult[plan.size()];
    missing.set(0, plan.size());
    List<Batch.Entry> entries = batch.entries();
    this.resultsBefore = new int[entries.size() + 1];
    for (int i = 0; i < entries.size(); i++) {
      resultsBefore[i + 1] = resultsBefore[i] + entries.get(i).asked();
    }
  }

  long step() {
    return batch.step().getStep();
  }

  void cancelDeadline() {
    if (deadline != null) {
      deadline.cancel();
      deadline = null;
    }
  }

  /** Takes a rank's answer; the text says what is wrong with it, null if nothing is. */
  @Nullable String accept(int rank, StepResult result) {
    if (result.getStep() != step() || results[rank] != null) {
      return "answer to step %d while step %d is awaited".formatted(result.getStep(), step());
    }
    int due = resultsBefore[batch.entries().size()];
    if (result.getResultsCount() != due) {
      return "%d results for %d tokens".formatted(result.getResultsCount(), due);
    }
    Range rows = plan.rank(rank).vocabulary();
    int tiles = Math.ceilDiv(rows.size(), ShardPlan.VOCABULARY_TILE);
    for (int run = 0; run < batch.entries().size(); run++) {
      for (int i = resultsBefore[run]; i < resultsBefore[run + 1]; i++) {
        String problem =
            check(result.getResults(i), run, askedToken(run, i - resultsBefore[run]), rows, tiles);
        if (problem != null) {
          return problem;
        }
      }
    }
    results[rank] = result;
    missing.clear(rank);
    return null;
  }

  /** Index in a run of its n-th token whose candidates are asked for. */
  private int askedToken(int run, int n) {
    return batch.entries().get(run).tokens() - 1 + n;
  }

  private @Nullable String check(TokenResult result, int run, int token, Range rows, int tiles) {
    if (result.getRun() != run || result.getToken() != token) {
      return "result of run %d, token %d where run %d, token %d was due"
          .formatted(result.getRun(), result.getToken(), run, token);
    }
    CandidateRequest asked = batch.step().getRuns(run).getCandidates();
    int sums = asked.getSums() ? tiles : 0;
    int scaled = asked.getTemperature() == 0 ? 0 : tiles;
    if (result.getTileMaxCount() != tiles
        || result.getTileSumCount() != sums
        || result.getTileSumScaledCount() != scaled) {
      return "run %d: %d, %d, %d vocabulary tiles where %d, %d, %d were due"
          .formatted(
              run,
              result.getTileMaxCount(),
              result.getTileSumCount(),
              result.getTileSumScaledCount(),
              tiles,
              sums,
              scaled);
    }
    int due = Math.min(asked.getCount(), rows.size());
    if (result.getIdsCount() != due || result.getLogitsCount() != due) {
      return "run %d: %d candidates where %d were due".formatted(run, result.getIdsCount(), due);
    }
    for (int i = 0; i < due; i++) {
      if (result.getIds(i) < rows.begin() || result.getIds(i) >= rows.end()) {
        return "run %d: candidate %d is outside of its rows %s"
            .formatted(run, result.getIds(i), rows);
      }
    }
    return null;
  }

  /**
   * What all ranks know of a run, once all have answered.
   *
   * @param n after which of its tokens: 0 for the last that is no draft
   */
  Distribution distribution(int run, int n) {
    List<TokenResult> parts = new ArrayList<>(results.length);
    for (StepResult result : results) {
      parts.add(Objects.requireNonNull(result).getResults(resultsBefore[run] + n));
    }
    return Distribution.merge(
        parts, batch.step().getRuns(run).getCandidates(), plan.spec().vocabularySize());
  }

  /**
   * Notes that a run's draw needs all logits.
   *
   * @param n as in {@link #distribution}
   */
  void await(int run, int n, Distribution known) {
    undecided.put(
        run, new Undecided(askedToken(run, n), known, plan.spec().vocabularySize(), plan.size()));
    missing.set(0, plan.size());
  }

  /** Runs whose draw needs all logits. */
  Iterable<Integer> undecided() {
    return undecided.keySet();
  }

  /** Index in a run of the token whose logits a draw needs. */
  int undecidedToken(int run) {
    return Objects.requireNonNull(undecided.get(run)).token;
  }

  boolean decided() {
    return undecided.isEmpty();
  }

  /** Takes a rank's logits of a run; the text says what is wrong with them, null if nothing is. */
  @Nullable String accept(int rank, LogitsResult result) {
    Undecided draw = undecided.get(result.getRun());
    if (result.getStep() != step()
        || draw == null
        || result.getToken() != draw.token
        || !draw.missing.get(rank)) {
      return "logits of step %d, run %d, token %d, which nobody asked for"
          .formatted(result.getStep(), result.getRun(), result.getToken());
    }
    Range rows = plan.rank(rank).vocabulary();
    if (result.getLogits().size() != rows.size() * Float.BYTES) {
      return "%d bytes of logits for %d rows".formatted(result.getLogits().size(), rows.size());
    }
    FloatBuffer floats =
        result.getLogits().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    floats.get(draw.logits, rows.begin(), rows.size());
    draw.missing.clear(rank);
    if (undecided.values().stream().noneMatch(d -> d.missing.get(rank))) {
      missing.clear(rank);
    }
    return null;
  }

  /** A run's distribution with all logits, once all ranks have sent them. */
  Distribution complete(int run) {
    Undecided draw = Objects.requireNonNull(undecided.get(run));
    return draw.known.withAll(draw.logits);
  }

  /** Wall time of all ranks in this step. */
  long computeNanos() {
    return sum(StepResult::getComputeNanos);
  }

  /** Of it, the time in exchanges. */
  long exchangeNanos() {
    return sum(StepResult::getExchangeNanos);
  }

  long exchangeBytes() {
    return sum(StepResult::getExchangeBytes);
  }

  private long sum(ToLongFunction<StepResult> value) {
    long sum = 0;
    for (StepResult result : results) {
      sum += result == null ? 0 : value.applyAsLong(result);
    }
    return sum;
  }
}
