package io.ladon.engine.rank;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.engine.rank.StepResult.RunResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The last norm and a rank's own rows of the vocabulary head, for the last token of each run that
 * asks: its best candidates, and sums over each tile of the vocabulary.
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
  private final Rows input; // (runs, hidden)
  private final FloatTensor[] logits; // one of (runs, own rows)
  private final float[] tileMax; // (runs, tiles)
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
    int maxRuns = options.maxStepRuns();
    this.input = Rows.allocate(arena, maxRuns, spec.hiddenSize());
    this.logits = new FloatTensor[] {FloatTensor.allocate(arena, maxRuns, vocabulary.size())};
    this.tileMax = new float[maxRuns * tiles];
    this.tileSum = new float[maxRuns * tiles];
    this.tileSumScaled = new float[maxRuns * tiles];
    this.candidates = new CandidateList(options.maxCandidates());
    this.gather = new TokenGather(arena, link, maxRuns, spec.hiddenSize());
    this.begins = new int[link.ranks() + 1];
    this.multiplication = new Multiplication(kernels);
  }

  /**
   * @param stream the residual stream after the last layer
   */
  List<RunResult> run(FloatTensor stream) {
    if (runs.heads() == 0) {
      return List.of();
    }
    norm(stream);
    PackedMatrix w = weights.vocabulary();
    if (w != null) {
      multiplication.run(team, w, input, runs.heads(), logits, 0);
      team.run(runs.heads() * tiles, tileTask);
    }
    List<RunResult> results = new ArrayList<>(runs.heads());
    for (int i = 0; i < runs.heads(); i++) {
      results.add(result(i));
    }
    return results;
  }

  /**
   * Logits of this rank's rows, float32, after the latest step.
   *
   * @param run index in that step of a run that asked for candidates
   */
  MemorySegment logits(int run) {
    for (int i = 0; i < runs.heads(); i++) {
      if (runs.headRun(i) == run) {
        long size = 4L * vocabulary.size();
        return logits[0].segment().asSlice(i * size, size).asReadOnly();
      }
    }
    throw new IllegalArgumentException(
        "run " + run + " of the latest step did not ask for candidates");
  }

  /** Norms the tokens at hand that this rank has finished; gathers the others in a cut step. */
  private void norm(FloatTensor stream) {
    int hidden = spec.hiddenSize();
    InputKind kind = weights.vocabularyInput();
    int own = 0;
    while (own < runs.heads() && runs.headToken(own) < shape.mineBegin()) {
      own++;
    }
    int end = own;
    while (end < runs.heads() && runs.headToken(end) < shape.mineEnd()) {
      kernels.rmsNorm(
          stream.segment(),
          (long) runs.headToken(end) * hidden,
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
      while (i < runs.heads() && runs.headToken(i) < first) {
        i++;
      }
      begins[r] = i;
    }
    gather.gather(spec.layers() - 1, ExchangePoint.DOWN_TOKENS, input, begins, kind.needsQuants());
    if (kind.needsQuants()) {
      kernels.sumBlocks(input.quants(), 0, runs.heads());
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

  private RunResult result(int i) {
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
    return new RunResult(
        runs.headRun(i),
        candidates.ids(),
        candidates.logits(),
        tilesOf(tileMax, i),
        tilesOf(tileSum, i),
        isScaled(request.temperature()) ? tilesOf(tileSumScaled, i) : new float[0]);
  }

  private CandidateRequest request(int i) {
    CandidateRequest request = runs.run(runs.headRun(i)).candidates();
    if (request == null) {
      throw new IllegalStateException("run " + runs.headRun(i) + " asks for nothing");
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
