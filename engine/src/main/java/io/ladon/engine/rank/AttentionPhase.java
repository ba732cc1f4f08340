package io.ladon.engine.rank;

import io.ladon.engine.attention.Attention;
import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.RopeTable;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.RankPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Q, K and V of a rank's own heads, rotation, K and V into the cache, and attention: from the
 * normed tokens to the rank's head outputs.
 */
final class AttentionPhase {

  private final ModelSpec spec;
  private final int queryHeads;
  private final int kvHeads;
  private final KvCache cache;
  private final Attention attention;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final RopeTable globalRope;
  private final RopeTable slidingRope;
  private final FloatTensor[] queries; // one of (tokens, own query heads * head size)
  private final FloatTensor[] keys; // one of (tokens, own KV heads * head size)
  private final FloatTensor[] values; // one of (tokens, own KV heads * head size)
  private final StepRuns runs;
  private final Rows input;
  private final FloatTensor out;
  private final int outColumn;
  private final IntRangeTask projectTask = this::project;
  private final IntRangeTask placeTask = this::place;
  private final IntRangeTask attendTask = this::attend;

  // What the running tasks work on.
  private int layer;
  private @Nullable LayerWeights weights;

  /**
   * @param input normed tokens, (tokens, hidden)
   * @param out where the head outputs go
   * @param outColumn column in {@code out} of this rank's first head
   */
  AttentionPhase(
      Arena arena,
      ModelSpec spec,
      RankPlan plan,
      KvCache cache,
      float @Nullable [] ropeFactors,
      Kernels kernels,
      ThreadTeam team,
      StepRuns runs,
      int maxTokens,
      Rows input,
      FloatTensor out,
      int outColumn) {
    this.spec = spec;
    this.queryHeads = plan.queryHeads().size();
    this.kvHeads = plan.kvHeads().size();
    this.cache = cache;
    this.kernels = kernels;
    this.team = team;
    this.runs = runs;
    this.input = input;
    this.out = out;
    this.outColumn = outColumn;
    this.attention =
        new Attention(cache, kernels, spec.groupSize(), plan.queryHeads().begin(), team.threads());
    this.globalRope =
        new RopeTable(
            spec.rope(),
            spec.rope().base(),
            spec.rope().positionScale(),
            ropeFactors,
            spec.contextLength());
    this.slidingRope =
        new RopeTable(
            spec.rope(), spec.rope().slidingBase(), 1f, ropeFactors, spec.contextLength());
    this.queries = one(arena, maxTokens, queryHeads * spec.headSize());
    this.keys = one(arena, maxTokens, kvHeads * spec.headSize());
    this.values = one(arena, maxTokens, kvHeads * spec.headSize());
  }

  /** Tokens of one run that are attended together. */
  int tokensTogether() {
    return attention.tokensTogether();
  }

  /** Makes the rotations of a run's positions. */
  void prepare(Run run) {
    globalRope.prepare(run.start(), run.start() + run.tokens());
    if (spec.slidingPattern() > 0) {
      slidingRope.prepare(run.start(), run.start() + run.tokens());
    }
  }

  void run(int ofLayer, LayerWeights w) {
    if (queryHeads == 0) {
      return;
    }
    layer = ofLayer;
    weights = w;
    team.run(
        Multiplication.units(w.query())
            + Multiplication.units(w.key())
            + Multiplication.units(w.value()),
        projectTask);
    team.run(runs.tokens(), placeTask);
    int items = runs.units() * queryHeads;
    int claim =
        runs.units() * kvHeads >= 2 * team.threads()
            ? spec.groupSize()
            : (items + team.threads() - 1) / team.threads();
    team.run(items, claim, attendTask);
  }

  private LayerWeights weights() {
    LayerWeights w = weights;
    if (w == null) {
      throw new IllegalStateException("no layer is running");
    }
    return w;
  }

  /** Units of rows of Q, then K, then V. */
  private void project(int thread, int begin, int end) {
    LayerWeights w = weights();
    int first = 0;
    first = projectPart(w.query(), first, begin, end, queries);
    first = projectPart(w.key(), first, begin, end, keys);
    projectPart(w.value(), first, begin, end, values);
  }

  private int projectPart(
      @Nullable PackedMatrix w, int first, int begin, int end, FloatTensor[] to) {
    int units = Multiplication.units(w);
    int from = Math.max(begin, first) - first;
    int until = Math.min(end, first + units) - first;
    if (w != null && from < until) {
      Multiplication.multiply(kernels, w, from, until, input, runs.tokens(), to, 0);
    }
    return first + units;
  }

  /** Biases, head norms, rotation; scales the queries, stores keys and values. */
  private void place(int thread, int begin, int end) {
    LayerWeights w = weights();
    RopeTable rope = spec.slides(layer) ? slidingRope : globalRope;
    FloatTensor q = queries[0];
    FloatTensor k = keys[0];
    FloatTensor v = values[0];
    int size = spec.headSize();
    for (int t = begin; t < end; t++) {
      long query = (long) t * q.columns();
      long key = (long) t * k.columns();
      int position = runs.position(t);
      addBias(w.queryBias(), q, query);
      addBias(w.keyBias(), k, key);
      addBias(w.valueBias(), v, key);
      for (int h = 0; h < queryHeads; h++) {
        normAndRotate(w.queryNorm(), q.segment(), query + (long) h * size, rope, position);
      }
      kernels.scale(q.segment(), query, q.columns(), spec.attentionScale());
      for (int h = 0; h < kvHeads; h++) {
        long head = key + (long) h * size;
        normAndRotate(w.keyNorm(), k.segment(), head, rope, position);
        cache.store(
            layer,
            h,
            runs.block(t),
            position % KvCache.BLOCK,
            k.segment(),
            head,
            v.segment(),
            head);
      }
    }
  }

  private void addBias(@Nullable MemorySegment bias, FloatTensor to, long offset) {
    if (bias != null) {
      kernels.add(bias, 0, to.segment(), offset, to.columns());
    }
  }

  private void normAndRotate(
      @Nullable MemorySegment norm, MemorySegment x, long offset, RopeTable rope, int position) {
    if (norm != null) {
      kernels.rmsNorm(x, offset, norm, spec.normEpsilon(), spec.headSize(), x, offset);
    }
    rope.rotate(x, offset, position);
  }

  /** Query heads of units, head by head. */
  private void attend(int thread, int begin, int end) {
    int window = spec.slides(layer) ? spec.slidingWindow() : 0;
    int item = begin;
    while (item < end) {
      int unit = item / queryHeads;
      int headBegin = item % queryHeads;
      int headEnd = Math.min(queryHeads, headBegin + end - item);
      int token = runs.unitToken(unit);
      attention.attend(
          thread,
          layer,
          headBegin,
          headEnd,
          runs.blocks(token),
          runs.position(token),
          token,
          runs.unitTokens(unit),
          window,
          queries[0],
          out,
          outColumn);
      item += headEnd - headBegin;
    }
  }

  private static FloatTensor[] one(Arena arena, int rows, int columns) {
    return new FloatTensor[] {FloatTensor.allocate(arena, rows, columns)};
  }
}
