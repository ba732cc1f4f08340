package io.ladon.engine.rank;

import io.ladon.engine.attention.KvCache;
import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.StepResult.TokenResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A step's way through the layers of one rank. */
final class LayerLoop {

  private final ModelSpec spec;
  private final ShardWeights weights;
  private final Link link;
  private final StepShape shape;
  private final StepRuns runs;
  private final Residual residual;
  private final AttentionPhase attention;
  private final Projection output;
  private final FeedForwardPhase feedForward;
  private final Projection down;
  private final VocabularyHead head;
  private final ReadAhead readAhead;

  LayerLoop(
      Arena arena,
      ShardPlan plan,
      ShardWeights weights,
      RankOptions options,
      KvCache cache,
      Kernels kernels,
      ThreadTeam team,
      Link link,
      int cutFrom) {
    this.spec = plan.spec();
    this.weights = weights;
    this.link = link;
    RankPlan own = plan.rank(link.rank());
    int tokens = options.maxStepTokens();
    this.readAhead = new ReadAhead(kernels::read);
    link.meanwhile(readAhead);
    this.shape = new StepShape(link.rank(), plan.size(), cutFrom);
    this.runs = new StepRuns(tokens, options.maxStepAsked());
    StepMemory phases = new StepMemory(arena);
    StepMemory floats = new StepMemory(arena);
    this.residual =
        new Residual(
            new StepMemory(arena),
            phases,
            spec,
            weights.embeddingType(),
            link,
            kernels,
            team,
            tokens);
    Projection.Builder projections =
        new Projection.Builder(phases, floats, plan, link, kernels, team, shape, tokens);
    phases.layOver();
    this.output = projections.output();
    this.attention =
        new AttentionPhase(
            arena,
            phases,
            spec,
            own,
            cache,
            weights.ropeFactors(),
            kernels,
            team,
            runs,
            tokens,
            residual.normed(),
            output);
    phases.layOver();
    floats.layOver();
    this.down = projections.down();
    this.feedForward =
        new FeedForwardPhase(phases, spec, kernels, team, tokens, residual.normed(), down);
    phases.layOver();
    this.head =
        new VocabularyHead(phases, plan, weights, options, link, kernels, team, runs, shape);
  }

  List<TokenResult> run(Step step) {
    runs.begin(step.runs(), attention.tokensTogether());
    shape.begin(runs.tokens());
    attention.begin(step.runs());
    LayerWeights first = weights.layer(0);
    residual.begin(step.embeddings(), first.attentionNorm(), first.attentionInput(), shape);
    for (int layer = 0; layer < spec.layers(); layer++) {
      run(layer, weights.layer(layer));
      link.poll();
    }
    List<TokenResult> results = head.run(residual.stream());
    readAhead(weights.layer(0));
    return results;
  }

  /**
   * Reads a little of what the next step multiplies first, for a rank that waits for it.
   *
   * @return whether there was anything left to read
   */
  boolean readAhead() {
    return readAhead.getAsBoolean();
  }

  /** See {@link VocabularyHead#logits}. */
  MemorySegment logits(int run, int token) {
    return head.logits(run, token);
  }

  private void run(int layer, LayerWeights w) {
    attention.run(layer, w);
    readAhead(output, w.output(), w.gate(), w.up());
    output.run(layer, w.output(), w.outputInput(), shape);
    residual.add(output.result(), w.attentionPostNorm(), shape);
    residual.norm(
        layer, ExchangePoint.OUTPUT_TOKENS, w.feedForwardNorm(), w.feedForwardInput(), shape);
    feedForward.run(w, shape.tokens());
    LayerWeights next = layer + 1 < spec.layers() ? weights.layer(layer + 1) : null;
    if (next == null) {
      readAhead(down, w.down(), weights.vocabulary(), null);
    } else {
      readAhead(down, w.down(), next.query(), next.key());
    }
    down.run(layer, w.down(), w.downInput(), shape);
    residual.add(down.result(), w.feedForwardPostNorm(), shape);
    if (next != null) {
      residual.norm(
          layer, ExchangePoint.DOWN_TOKENS, next.attentionNorm(), next.attentionInput(), shape);
    }
  }

  private void readAhead(LayerWeights w) {
    readAhead.next(shape.tokens(), w.query(), w.key(), w.value());
  }

  /**
   * Before a projection waits: its own matrix, unless that is multiplied first, and what follows.
   */
  private void readAhead(
      Projection projection,
      @Nullable PackedMatrix own,
      @Nullable PackedMatrix next,
      @Nullable PackedMatrix afterNext) {
    if (projection.multipliesFirst()) {
      readAhead.next(shape.tokens(), next, afterNext, null);
    } else {
      readAhead.next(shape.tokens(), own, next, afterNext);
    }
  }
}
