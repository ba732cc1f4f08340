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
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Q, K and V of a rank's own heads, rotation, K and V into the cache, and attention: from the
 * normed tokens to the rank's head outputs.
 */
final class AttentionPhase {

  private final ModelSpec spec;
  private final int queryHeads;
  private final int kvHeads;
  private final Attention attention;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final RopeTable globalRope;
  private final RopeTable slidingRope;
  private final FloatTensor[] queries; // one of (tokens, own query heads * head size)
  private final FloatTensor[] keys; // one of (tokens, own KV heads * head size)
  private final FloatTensor[] values; // one of (tokens, own KV heads * head size)
  private final AttentionItems globalItems;
  private final AttentionItems slidingItems;
  private final StepRuns runs;
  private final Rows input;
  private final Projection output;
  private final FloatTensor heads; // (tokens, columns of output's input): to be quantised
  private final IntRangeTask projectTask = this::project;
  private final IntRangeTask placeTask = this::place;
  private final IntRangeTask attendTask = this::attend;
  private final IntRangeTask mergeTask = this::merge;
  private final IntRangeTask quantizeTask = this::quantize;

  // What the running tasks work on.
  private int layer;
  private AttentionItems items;
  private FloatTensor out;
  private @Nullable LayerWeights weights;

  /**
   * @param arena for what a thread keeps
   * @param buffers for what lives until the output projection runs
   * @param input normed tokens, (tokens, hidden)
   * @param output whose input this makes
   */
  AttentionPhase(
      Arena arena,
      StepMemory buffers,
      ModelSpec spec,
      RankPlan plan,
      KvCache cache,
      float @Nullable [] ropeFactors,
      Kernels kernels,
      ThreadTeam team,
      StepRuns runs,
      int maxTokens,
      Rows input,
      Projection output) {
    this.spec = spec;
    this.queryHeads = plan.queryHeads().size();
    this.kvHeads = plan.kvHeads().size();
    this.kernels = kernels;
    this.team = team;
    this.runs = runs;
    this.input = input;
    this.output = output;
    int slots = slots(spec, plan, cache.blocks(), team.threads());
    this.attention =
        new Attention(arena, cache, plan, kernels, spec.groupSize(), team.threads(), slots);
    this.globalItems = new AttentionItems(maxTokens, kvHeads, team.threads(), slots);
    this.slidingItems = new AttentionItems(maxTokens, kvHeads, team.threads(), slots);
    this.items = globalItems;
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
    this.queries = one(buffers, maxTokens, queryHeads * spec.headSize());
    long behindQueries = buffers.here();
    this.keys = one(buffers, maxTokens, kvHeads * spec.headSize());
    this.values = one(buffers, maxTokens, kvHeads * spec.headSize());
    buffers.layOver(behindQueries); // keys and values are in the cache by then
    this.heads = FloatTensor.allocate(buffers, maxTokens, output.input().columns());
    this.out = heads;
  }

  /** Tokens of one run that are attended together. */
  int tokensTogether() {
    return attention.tokensTogether();
  }

  /**
   * Parts of attention that are kept: those of one token at the end of the longest context. None
   * for a lone thread.
   *
   * @param blocks KV blocks of the rank
   */
  private static int slots(ModelSpec spec, RankPlan plan, int blocks, int threads) {
    int positions = Math.min(spec.contextLength(), blocks * KvCache.BLOCK);
    return threads == 1 ? 0 : plan.kvHeads().size() * (Attention.part(positions - 1) + 1);
  }

  /** Begins a step: makes the rotations of its positions, and shares out its work. */
  void begin(List<Run> step) {
    boolean slides = spec.slidingPattern() > 0;
    for (int i = 0; i < step.size(); i++) {
      Run run = step.get(i);
      globalRope.prepare(run.start(), run.start() + run.tokens());
      if (slides) {
        slidingRope.prepare(run.start(), run.start() + run.tokens());
      }
    }
    globalItems.begin(runs, 0);
    if (slides) {
      slidingItems.begin(runs, spec.slidingWindow());
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
    boolean quantizes = output.takesQuants(w.outputInput());
    out = quantizes ? heads : output.input().floats();
    items = spec.slides(layer) ? slidingItems : globalItems;
    team.run(items.count(), 1, attendTask);
    team.run(items.merges(), 1, mergeTask);
    if (quantizes) {
      team.run(runs.tokens(), quantizeTask);
    }
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
    addBias(w.queryBias(), q, begin, end);
    addBias(w.keyBias(), k, begin, end);
    addBias(w.valueBias(), v, begin, end);
    normHeads(w.queryNorm(), q, begin, end);
    normHeads(w.keyNorm(), k, begin, end);
    for (int t = begin; t < end; ) {
      int tokens = Math.min(end, runs.consecutiveEnd(t)) - t;
      int position = runs.position(t);
      attention.rotate(rope, q, t, tokens, position);
      attention.rotate(rope, k, t, tokens, position);
      for (int i = 0; i < tokens; ) {
        int slot = (position + i) % KvCache.BLOCK;
        int count = Math.min(tokens - i, KvCache.BLOCK - slot);
        attention.store(layer, runs.block(t + i), slot, count, k, v, t + i);
        i += count;
      }
      t += tokens;
    }
    kernels.scale(
        q.segment(),
        (long) begin * q.columns(),
        (end - begin) * q.columns(),
        spec.attentionScale());
  }

  private void addBias(@Nullable MemorySegment bias, FloatTensor to, int begin, int end) {
    for (int t = begin; bias != null && t < end; t++) {
      kernels.add(bias, 0, to.segment(), (long) t * to.columns(), to.columns());
    }
  }

  /** Norms heads each on its own, if there is a norm. */
  private void normHeads(@Nullable MemorySegment norm, FloatTensor x, int begin, int end) {
    if (norm != null) {
      int size = spec.headSize();
      int heads = (end - begin) * x.columns() / size;
      long first = (long) begin * x.columns();
      kernels.rmsNorm(
          x.segment(), first, norm, spec.normEpsilon(), size, heads, x.segment(), first);
    }
  }

  /** Items of {@link AttentionItems}. */
  private void attend(int thread, int begin, int end) {
    int window = spec.slides(layer) ? spec.slidingWindow() : 0;
    for (int item = begin; item < end; item++) {
      int unit = items.unit(item);
      int token = runs.unitToken(unit);
      int kvHead = items.kvHead(item);
      int[] blocks = runs.blocks(token);
      int position = runs.position(token);
      if (items.isWhole(item)) {
        attention.attend(
            thread,
            layer,
            kvHead,
            blocks,
            position,
            token,
            runs.unitTokens(unit),
            window,
            queries[0],
            out,
            output.inputColumn());
      } else {
        attention.attendPart(
            thread,
            layer,
            kvHead,
            blocks,
            position,
            token,
            window,
            queries[0],
            items.part(item),
            items.slot(item));
      }
    }
  }

  private void merge(int thread, int begin, int end) {
    for (int i = begin; i < end; i++) {
      attention.merge(
          thread,
          items.mergeKvHead(i),
          runs.unitToken(items.mergeUnit(i)),
          items.mergeSlot(i),
          items.mergeParts(i),
          out,
          output.inputColumn());
    }
  }

  private void quantize(int thread, int begin, int end) {
    int column = output.inputColumn();
    kernels.quantize(
        heads, begin, end, column, column + output.inputColumns(), output.input().quants());
  }

  private static FloatTensor[] one(Arena arena, int rows, int columns) {
    return new FloatTensor[] {FloatTensor.allocate(arena, rows, columns)};
  }
}
