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
import java.util.Arrays;
import java.util.List;

/**
 * The last norm and a rank's own rows of the vocabulary head, for each token of which it is asked:
 * its best candidates, and sums over each tile of the vocabulary.
 */
final class VocabularyHead {

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
  private final float[] tileMax; // (asked tokens, tiles)
  private final float[] tileSum;
  private final float[] tileSumScaled;
  private final float[] tileLogits = new float[ShardPlan.VOCABULARY_TILE];
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
    this.tiles = (vocabulary.size() + ShardPlan.VOCABULARY_TILE - 1) / ShardPlan.VOCABULARY_TILE;
    this.weights = weights;
    this.kernels = kernels;
    this.team = team;
    this.runs = runs;
    this.shape = shape;
    int maxAsked = options.maxStepAsked();
    this.input = Rows.allocate(arena, maxAsked, spec.hiddenSize());
    this.logits = new FloatTensor[] {FloatTensor.allocate(arena, maxAsked, vocabulary.size())};
    this.tileMax = new float[maxAsked * tiles];
    this.tileSum = new float[maxAsked * tiles];
    this.tileSumScaled = new float[maxAsked * tiles];
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
    for (int item = begin; item < end; item++) {
      int i = item / tiles;
      int first = item % tiles * ShardPlan.VOCABULARY_TILE;
      int length = Math.min(ShardPlan.VOCABULARY_TILE, vocabulary.size() - first);
      long offset = (long) i * vocabulary.size() + first;
      MemorySegment x = logits[0].segment();
      float max = kernels.max(x, offset, length);
      tileMax[item] = max;
      tileSum[item] = kernels.sumExp(x, offset, length, max, 1f);
      float temperature = request(i).temperature();
      if (isScaled(temperature)) {
        tileSumScaled[item] = kernels.sumExp(x, offset, length, max, 1f / temperature);
      }
    }
  }

  private TokenResult result(int i) {
    int token = runs.askedToken(i);
    CandidateRequest request = request(i);
    candidates.begin(request.count());
    for (int tile = 0; tile < tiles; tile++) {
      if (candidates.takes(tileMax[i * tiles + tile])) {
        int first = tile * ShardPlan.VOCABULARY_TILE;
        int end = Math.min(vocabulary.size(), first + ShardPlan.VOCABULARY_TILE);
        MemorySegment.copy(
            logits[0].segment(),
            ValueLayout.JAVA_FLOAT,
            4L * ((long) i * vocabulary.size() + first),
            tileLogits,
            0,
            end - first);
        for (int row = first; row < end; row++) {
          candidates.add(vocabulary.begin() + row, tileLogits[row - first]);
        }
      }
    }
    return new TokenResult(
        runs.runOf(token),
        runs.indexInRun(token),
        candidates.ids(),
        candidates.logits(),
        tilesOf(tileMax, i),
        tilesOf(tileSum, i),
        isScaled(request.temperature()) ? tilesOf(tileSumScaled, i) : new float[0]);
  }

  private CandidateRequest request(int i) {
    int run = runs.runOf(runs.askedToken(i));
    CandidateRequest request = runs.run(run).candidates();
    if (request == null) {
      throw new IllegalStateException("run " + run + " asks for nothing");
    }
    return request;
  }

  private float[] tilesOf(float[] all, int i) {
    return Arrays.copyOfRange(all, i * tiles, (i + 1) * tiles);
  }

  private static boolean isScaled(float temperature) {
    return temperature != 0f && temperature != 1f;
  }
}
