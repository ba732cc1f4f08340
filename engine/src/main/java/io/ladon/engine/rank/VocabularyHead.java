package io.ladon.engine.rank;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.engine.rank.StepResult.TokenResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The last norm and a rank's own rows of the vocabulary head, for each token of which it is asked:
 * its best candidates, and sums over each tile of the vocabulary.
 */
final class VocabularyHead {

  private static final int TILE = ShardPlan.VOCABULARY_TILE;
  private static final float[] NONE = {};

  private final ModelSpec spec;
  private final Range vocabulary;
  private final int tiles;
  private final ShardWeights weights;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final StepRuns runs;
  private final StepShape shape;
  private final Rows input; // (asked tokens, hidden)
  private final FloatTensor[] logits; // one of (asked tokens, own rows)
  private final FloatTensor tileMax; // (asked tokens, tiles)
  private final FloatTensor tileSum;
  private final FloatTensor tileSumScaled;
  private final float[] tileLogits = new float[TILE];
  private final CandidateList candidates;
  private final TokenGather gather;
  private final int[] begins;
  private final Multiplication multiplication;
  private final IntRangeTask tileTask = this::sumTiles;

  VocabularyHead(
      Arena arena,
      ShardPlan plan,
      ShardWeights weights,
      RankOptions options,
      Link link,
      Kernels kernels,
      ThreadTeam team,
      StepRuns runs,
      StepShape shape) {
    this.spec = plan.spec();
    this.vocabulary = plan.rank(link.rank()).vocabulary();
    this.tiles = (vocabulary.size() + TILE - 1) / TILE;
    this.weights = weights;
    this.kernels = kernels;
    this.team = team;
    this.runs = runs;
    this.shape = shape;
    int maxAsked = options.maxStepAsked();
    this.input = Rows.allocate(arena, maxAsked, spec.hiddenSize());
    this.logits = new FloatTensor[] {FloatTensor.allocate(arena, maxAsked, vocabulary.size())};
    this.tileMax = FloatTensor.allocate(arena, maxAsked, tiles);
    this.tileSum = FloatTensor.allocate(arena, maxAsked, tiles);
    this.tileSumScaled = FloatTensor.allocate(arena, maxAsked, tiles);
    this.candidates = new CandidateList(options.maxCandidates());
    this.gather = new TokenGather(arena, link, maxAsked, spec.hiddenSize());
    this.begins = new int[link.ranks() + 1];
    this.multiplication = new Multiplication(kernels);
  }

  /**
   * @param stream the residual stream after the last layer
   */
  List<TokenResult> run(FloatTensor stream) {
    if (runs.asked() == 0) {
      return List.of();
    }
    norm(stream);
    PackedMatrix w = weights.vocabulary();
    if (w != null) {
      multiplication.run(team, w, input, runs.asked(), logits, 0);
      team.run(runs.asked() * tiles, tileTask);
    }
    List<TokenResult> results = new ArrayList<>(runs.asked());
    for (int i = 0; i < runs.asked(); i++) {
      results.add(result(i));
    }
    return results;
  }

  /**
   * Logits of this rank's rows, float32, after the latest step.
   *
   * @param run index in that step
   * @param token index in that run of a token whose candidates were asked for
   */
  MemorySegment logits(int run, int token) {
    for (int i = 0; i < runs.asked(); i++) {
      int asked = runs.askedToken(i);
      if (runs.runOf(asked) == run && runs.indexInRun(asked) == token) {
        long size = 4L * vocabulary.size();
        return logits[0].segment().asSlice(i * size, size).asReadOnly();
      }
    }
    throw new IllegalArgumentException(
        "token %d of run %d of the latest step did not ask for candidates".formatted(token, run));
  }

  /** Norms the tokens at hand that this rank has finished; gathers the others in a cut step. */
  private void norm(FloatTensor stream) {
    int hidden = spec.hiddenSize();
    InputKind kind = weights.vocabularyInput();
    int own = 0;
    while (own < runs.asked() && runs.askedToken(own) < shape.mineBegin()) {
      own++;
    }
    int end = own;
    while (end < runs.asked() && runs.askedToken(end) < shape.mineEnd()) {
      kernels.rmsNorm(
          stream.segment(),
          (long) runs.askedToken(end) * hidden,
          weights.outputNorm(),
          spec.normEpsilon(),
          hidden,
          1,
          input.floats().segment(),
          (long) end * hidden);
      end++;
    }
    if (kind.needsQuants()) {
      kernels.quantize(input.floats(), own, end, 0, hidden, input.quants());
    }
    if (!shape.isCut()) {
      return;
    }
    for (int r = 0; r < begins.length; r++) {
      int first = shape.shareBegin(r);
      int i = 0;
      while (i < runs.asked() && runs.askedToken(i) < first) {
        i++;
      }
      begins[r] = i;
    }
    gather.gather(spec.layers() - 1, ExchangePoint.DOWN_TOKENS, input, begins, kind.needsQuants());
    if (kind.needsQuants()) {
      kernels.sumBlocks(input.quants(), 0, runs.asked());
    }
  }

  private void sumTiles(int thread, int begin, int end) {
    for (int item = begin; item < end; ) {
      int i = item / tiles;
      int tile = item % tiles;
      int tileEnd = Math.min(tiles, tile + end - item);
      int whole = Math.max(0, Math.min(tileEnd, vocabulary.size() / TILE) - tile);
      sumTiles(i, tile, whole, TILE);
      if (tile + whole < tileEnd) {
        sumTiles(i, tileEnd - 1, 1, vocabulary.size() % TILE);
      }
      item += tileEnd - tile;
    }
  }

  /**
   * @param i which of the tokens asked for
   * @param count of tiles from {@code tile} on, each of {@code length} logits
   */
  private void sumTiles(int i, int tile, int count, int length) {
    MemorySegment x = logits[0].segment();
    long from = (long) i * vocabulary.size() + (long) tile * TILE;
    long to = (long) i * tiles + tile;
    MemorySegment max = tileMax.segment();
    kernels.max(x, from, length, count, max, to);
    CandidateRequest request = request(i);
    if (request.sums()) {
      kernels.sumExp(x, from, length, count, max, to, 1f, tileSum.segment(), to);
    }
    float temperature = request.temperature();
    if (temperature != 0) {
      MemorySegment sums = tileSumScaled.segment();
      kernels.sumExp(x, from, length, count, max, to, 1f / temperature, sums, to);
    }
  }

  private TokenResult result(int i) {
    int token = runs.askedToken(i);
    CandidateRequest request = request(i);
    float[] max = tilesOf(tileMax, i);
    candidates.begin(request.count());
    for (int tile = 0; tile < tiles; tile++) {
      if (candidates.takes(max[tile])) {
        int first = tile * TILE;
        int count = Math.min(vocabulary.size() - first, TILE);
        MemorySegment.copy(
            logits[0].segment(),
            ValueLayout.JAVA_FLOAT,
            4L * ((long) i * vocabulary.size() + first),
            tileLogits,
            0,
            count);
        candidates.add(vocabulary.begin() + first, tileLogits, count);
      }
    }
    return new TokenResult(
        runs.runOf(token),
        runs.indexInRun(token),
        candidates.ids(),
        candidates.logits(),
        max,
        request.sums() ? tilesOf(tileSum, i) : NONE,
        request.temperature() != 0 ? tilesOf(tileSumScaled, i) : NONE);
  }

  private CandidateRequest request(int i) {
    int run = runs.runOf(runs.askedToken(i));
    CandidateRequest request = runs.run(run).candidates();
    if (request == null) {
      throw new IllegalStateException("run " + run + " asks for nothing");
    }
    return request;
  }

  private float[] tilesOf(FloatTensor all, int i) {
    float[] ofToken = new float[tiles];
    MemorySegment.copy(all.segment(), ValueLayout.JAVA_FLOAT, 4L * i * tiles, ofToken, 0, tiles);
    return ofToken;
  }
}
