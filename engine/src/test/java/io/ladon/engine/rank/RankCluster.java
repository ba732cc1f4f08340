package io.ladon.engine.rank;

import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.engine.exchange.InProcessExchange;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.model.TensorNames;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.ShardPlan;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/** All ranks of a plan in one process, each on its own thread, with exchanges in memory. */
public final class RankCluster implements AutoCloseable {

  /** How a cluster is set up; what a test does not care about has a default. */
  public record Setup(RankOptions options, Kernels kernels, int threads, int cutFrom) {

    public static Setup of(Kernels kernels) {
      return new Setup(
          new RankOptions(64, KvType.F32, 128, 8, 24, 16), kernels, 1, ShardPlan.CUT_FROM);
    }

    public Setup withThreads(int count) {
      return new Setup(options, kernels, count, cutFrom);
    }

    public Setup withOptions(RankOptions other) {
      return new Setup(other, kernels, threads, cutFrom);
    }

    Setup withCutFrom(int tokens) {
      return new Setup(options, kernels, threads, tokens);
    }

    Setup withKv(KvType type) {
      return withOptions(
          new RankOptions(
              options.kvBlocks(),
              type,
              options.maxStepTokens(),
              options.maxStepRuns(),
              options.maxStepAsked(),
              options.maxCandidates()));
    }
  }

  private final ShardPlan plan;
  private final GgufFile file;
  private final Arena arena = Arena.ofShared();
  private final ExchangeGroup group;
  private final List<Runnable> closing = new ArrayList<>();
  private final List<Rank> ranks = new ArrayList<>();
  private List<Run> latest = List.of();
  private long step;

  public RankCluster(ShardPlan plan, GgufFile file, Setup setup) throws IOException {
    this.plan = plan;
    this.file = file;
    List<Exchange> exchanges = InProcessExchange.group(plan.size(), 1, Duration.ofSeconds(30));
    this.group = ExchangeGroup.ofThreads(exchanges);
    for (int r = 0; r < plan.size(); r++) {
      ThreadTeam team = new ThreadTeam(setup.threads(), true);
      ShardWeights weights = ShardWeights.load(plan, r, file.header(), file, team);
      Rank rank =
          new Rank(
              plan,
              r,
              weights,
              setup.options(),
              setup.kernels(),
              team,
              exchanges.get(r),
              setup.cutFrom());
      rank.cache().poison();
      ranks.add(rank);
      closing.add(team::close);
      closing.add(weights::close);
      closing.add(rank::close);
    }
  }

  Rank rank(int rank) {
    return ranks.get(rank);
  }

  /** Runs a step on every rank at once; results by rank. */
  public List<StepResult> run(List<Run> runs, int[] tokens) throws Exception {
    Step next = new Step(1, step++, runs, embeddings(tokens));
    latest = runs;
    List<Future<StepResult>> futures = new ArrayList<>();
    for (int r = 0; r < ranks.size(); r++) {
      Rank rank = ranks.get(r);
      futures.add(group.members().get(r).call(exchange -> rank.run(next)));
    }
    return ExchangeGroup.all(futures);
  }

  /** Logits of the whole vocabulary after a run's last token in the latest step. */
  public float[] logits(int run) {
    return logits(run, latest.get(run).tokens() - 1);
  }

  /** Logits of the whole vocabulary after a token of the latest step that asked for candidates. */
  float[] logits(int run, int token) {
    float[] logits = new float[plan.spec().vocabularySize()];
    for (int r = 0; r < ranks.size(); r++) {
      Range own = plan.rank(r).vocabulary();
      MemorySegment part = ranks.get(r).logits(run, token);
      MemorySegment.copy(part, ValueLayout.JAVA_FLOAT, 0, logits, own.begin(), own.size());
    }
    return logits;
  }

  /** The encoded embedding rows of tokens. */
  MemorySegment embeddings(int... tokens) throws IOException {
    int columns = plan.spec().hiddenSize();
    long rowBytes = file.header().tensor(TensorNames.TOKEN_EMBEDDING).rowBytes();
    MemorySegment rows = arena.allocate(rowBytes * tokens.length, 8);
    for (int t = 0; t < tokens.length; t++) {
      MemorySegment row =
          file.slice(
              new TensorSlice(TensorNames.TOKEN_EMBEDDING, tokens[t], tokens[t] + 1, 0, columns));
      MemorySegment.copy(row, 0, rows, t * rowBytes, rowBytes);
    }
    return rows;
  }

  @Override
  public void close() {
    group.close();
    closing.reversed().forEach(Runnable::run);
    arena.close();
  }
}
