package io.ladon.engine.rank;

import io.ladon.engine.attention.Attention;
import io.ladon.engine.attention.KvCache;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.engine.rank.StepResult.TokenResult;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One rank of a plan: runs steps with its shard of the weights, its KV cache, and its peers.
 *
 * <p>Belongs to one thread, the compute thread: it takes part in the team's work and is the one
 * that exchanges. All buffers are allocated here; a step allocates its result only.
 */
public final class Rank implements AutoCloseable {

  private static final long WARM_UP_NANOS = 100_000_000L;
  private static final int WARM_UP_DECODES = 60;
  private static final int WARM_UP_PREFILLS = 6;
  private static final int WARM_UP_CHUNK = 64;

  private final ShardPlan plan;
  private final RankOptions options;
  private final Arena arena = Arena.ofShared();
  private final KvCache cache;
  private final Link link;
  private final StepChecks checks;
  private final LayerLoop loop;
  private final long embeddingRowBytes;

  /**
   * @param rank this rank's place in the plan
   * @param weights of this rank in this plan; still the caller's to close, like the team and the
   *     exchange
   * @throws IllegalArgumentException if plan, rank and exchange do not fit together
   */
  public Rank(
      ShardPlan plan,
      int rank,
      ShardWeights weights,
      RankOptions options,
      Kernels kernels,
      ThreadTeam team,
      Exchange exchange) {
    this(plan, rank, weights, options, kernels, team, exchange, ShardPlan.CUT_FROM);
  }

  /**
   * @param cutFrom tokens for each rank from which a step is cut by tokens; the same in all ranks
   */
  Rank(
      ShardPlan plan,
      int rank,
      ShardWeights weights,
      RankOptions options,
      Kernels kernels,
      ThreadTeam team,
      Exchange exchange,
      int cutFrom) {
    if (exchange.ranks() != plan.size() || exchange.rank() != rank) {
      throw new IllegalArgumentException(
          "rank %d of %d, but the exchange is that of rank %d of %d"
              .formatted(rank, plan.size(), exchange.rank(), exchange.ranks()));
    }
    this.plan = plan;
    this.options = options;
    this.link = new Link(exchange);
    this.embeddingRowBytes = weights.embeddingType().bytesFor(plan.spec().hiddenSize());
    this.checks = new StepChecks(plan.spec(), options, embeddingRowBytes);
    this.cache = new KvCache(plan.spec(), plan.rank(rank), options.kvBlocks(), options.kvType());
    this.loop = new LayerLoop(arena, plan, weights, options, cache, kernels, team, link, cutFrom);
  }

  /**
   * Runs a step together with all other ranks.
   *
   * @throws IllegalArgumentException if the step does not fit the model or the options; the message
   *     names the field, and nothing was changed or exchanged
   * @throws io.ladon.engine.exchange.ExchangeException if a peer did not do its part; the exchange
   *     is then broken
   */
  public StepResult run(Step step) {
    checks.check(step);
    long begin = System.nanoTime();
    link.beginStep(step.number());
    List<TokenResult> results = loop.run(step);
    return new StepResult(
        step.epoch(),
        step.number(),
        results,
        System.nanoTime() - begin,
        link.waitedNanos(),
        link.sentBytes());
  }

  /**
   * Uses the time between two steps: reads a little of the weights that the next one multiplies
   * first, about a microsecond's worth.
   *
   * @return whether there was anything left to read
   */
  public boolean readAhead() {
    return loop.readAhead();
  }

  /**
   * All logits of this rank's vocabulary rows, float32, after the latest step; valid until the
   * next.
   *
   * @param run index in that step
   * @param token index in that run of a token whose candidates were asked for
   */
  public MemorySegment logits(int run, int token) {
    return loop.logits(run, token);
  }

  /**
   * Runs steps of no meaning, without peers, so that most code is compiled before the first real
   * step. Takes some tenths of a second; overwrites KV blocks, so it must come before any sequence.
   */
  public void warmUp() {
    link.connect(false);
    try (Arena scratch = Arena.ofConfined()) {
      int positions = Math.min(plan.spec().contextLength(), options.kvBlocks() * KvCache.BLOCK);
      int chunk = Math.min(Math.min(WARM_UP_CHUNK, options.maxStepTokens()), positions);
      Step prefill = meaningless(scratch, 0, chunk);
      // So far on that attention falls into parts, which threads share.
      Step decode = meaningless(scratch, Math.min(2 * Attention.PART, positions) - 1, 1);
      long begin = System.nanoTime();
      for (int i = 0; i < WARM_UP_DECODES; i++) {
        if (System.nanoTime() - begin > WARM_UP_NANOS) {
          break;
        }
        loop.run(decode);
        if (i < WARM_UP_PREFILLS) {
          loop.run(prefill);
        }
      }
    } finally {
      link.connect(true);
    }
  }

  /** The KV cache, for tests. */
  KvCache cache() {
    return cache;
  }

  /** Frees the buffers and the KV cache. Idempotent; not while a step runs. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      cache.close();
      arena.close();
    }
  }

  private Step meaningless(Arena scratch, int start, int tokens) {
    int blocks = (start + tokens + KvCache.BLOCK - 1) / KvCache.BLOCK;
    Run run =
        new Run(
            0, start, tokens, IntStream.range(0, blocks).toArray(), new CandidateRequest(1, 0.5f));
    MemorySegment embeddings = scratch.allocate(tokens * embeddingRowBytes, FloatTensor.ALIGNMENT);
    return new Step(0, 0, List.of(run), embeddings);
  }
}
