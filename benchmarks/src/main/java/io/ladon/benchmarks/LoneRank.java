package io.ladon.benchmarks;

import io.ladon.benchmarks.StepBenchmark.Cut;
import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.model.TensorNames;
import io.ladon.engine.plan.Leaves;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.engine.rank.Rank;
import io.ladon.engine.rank.RankOptions;
import io.ladon.engine.rank.Run;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.engine.rank.ShardWeights;
import io.ladon.engine.rank.Step;
import io.ladon.engine.rank.StepResult;
import io.ladon.engine.rank.ThreadTeam;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Rank 0 of a model's standard plan, with one thread and without its peers: it runs the same step
 * again and again, as quickly as it computes.
 */
final class LoneRank implements AutoCloseable {

  private static final int CANDIDATES = 40;

  private final Arena arena = Arena.ofShared();
  private final GgufFile file;
  private final ThreadTeam team;
  private final ShardWeights weights;
  private final Rank rank;
  private final Step step;

  /**
   * Loads the shard, and fills the KV cache before the step's first position.
   *
   * @param model a GGUF file
   * @param ranks of the plan
   * @param tokens of the step, all of one sequence
   * @param start position of the first of them
   */
  LoneRank(Path model, int ranks, int tokens, int start, Cut cut) throws IOException {
    this(model, ranks, tokens, start, cut, 0, false);
  }

  /**
   * The same with peers that answer after a while.
   *
   * @param waitNanos of each swap
   * @param readsAhead whether the rank reads its next weights then
   */
  LoneRank(
      Path model, int ranks, int tokens, int start, Cut cut, long waitNanos, boolean readsAhead)
      throws IOException {
    this.file = GgufFile.open(model);
    this.team = new ThreadTeam(1);
    ModelSpec spec = ModelSpecs.read(file.header());
    ShardPlan plan = plan(spec, ranks, cut);
    this.weights = ShardWeights.load(plan, 0, file.header(), file, team);
    int blocks = (start + tokens + KvCache.BLOCK - 1) / KvCache.BLOCK;
    int most = Math.max(start, tokens);
    this.rank =
        new Rank(
            plan,
            0,
            weights,
            new RankOptions(blocks, KvType.F16, most, 1, 1, CANDIDATES),
            KernelProvider.best(),
            team,
            new LoneExchange(0, ranks, waitNanos, readsAhead));
    if (start > 0) {
      rank.run(step(spec, 0, start, blocks));
    }
    this.step = step(spec, start, tokens, blocks);
  }

  private static ShardPlan plan(ModelSpec spec, int ranks, Cut cut) {
    PlanOptions options = PlanOptions.of(ranks);
    ShardPlan plan = ShardPlan.of(spec, options);
    if (cut == Cut.MODEL) {
      return plan;
    }
    int groups = plan.output() == Split.COLUMNS ? ceilDiv(spec.kvHeads(), ranks) : spec.kvHeads();
    int columns = spec.feedForwardSize() / (plan.down() == Split.COLUMNS ? ranks : 1);
    int blocks = ceilDiv(columns, ShardPlan.BLOCK);
    return ShardPlan.of(spec, options, new Leaves(groups, blocks * ShardPlan.BLOCK));
  }

  private static int ceilDiv(int whole, int part) {
    return (whole + part - 1) / part;
  }

  /** A step of random tokens. */
  private Step step(ModelSpec spec, int start, int tokens, int blocks) throws IOException {
    long rowBytes = file.header().tensor(TensorNames.TOKEN_EMBEDDING).rowBytes();
    MemorySegment rows = arena.allocate(rowBytes * tokens, 64);
    Random random = new Random(1);
    for (int t = 0; t < tokens; t++) {
      int id = random.nextInt(spec.vocabularySize());
      MemorySegment row =
          file.slice(
              new TensorSlice(TensorNames.TOKEN_EMBEDDING, id, id + 1, 0, spec.hiddenSize()));
      MemorySegment.copy(row, 0, rows, t * rowBytes, rowBytes);
    }
    Run run =
        new Run(
            0,
            start,
            tokens,
            IntStream.range(0, blocks).toArray(),
            new CandidateRequest(CANDIDATES, 0));
    return new Step(1, 0, List.of(run), rows);
  }

  /** Runs the step. */
  StepResult run() {
    return rank.run(step);
  }

  @Override
  public void close() throws IOException {
    rank.close();
    weights.close();
    team.close();
    file.close();
    arena.close();
  }
}
