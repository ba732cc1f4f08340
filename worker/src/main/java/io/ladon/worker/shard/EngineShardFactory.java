package io.ladon.worker.shard;

import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardInventory;
import io.ladon.engine.rank.FetchProbe;
import io.ladon.engine.rank.PackedShelf;
import io.ladon.engine.rank.Rank;
import io.ladon.engine.rank.RankOptions;
import io.ladon.engine.rank.ShardWeights;
import io.ladon.engine.rank.SpeedProbe;
import io.ladon.engine.rank.Step;
import io.ladon.engine.rank.StepResult;
import io.ladon.engine.rank.ThreadTeam;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shards that the engine computes.
 *
 * @param compute what multiplies
 * @param threads that compute, the rank's own included
 * @param warmUp whether code is to be compiled before a shard is given out, and how far ahead
 *     weights are fetched chosen
 * @param speed of these kernels and threads, as measured on this machine
 */
public record EngineShardFactory(Kernels compute, int threads, boolean warmUp, MachineSpeed speed)
    implements ShardFactory {

  private static final Logger log = LoggerFactory.getLogger(EngineShardFactory.class);

  /**
   * Chooses kernels and measures them, which takes some tenths of a second.
   *
   * @param name one that {@link KernelProvider#named} knows
   * @param threads that compute; 0 for one a core
   * @throws IllegalArgumentException if no kernels have that name
   * @throws IllegalStateException if this machine or process cannot run them
   */
  public static EngineShardFactory measured(String name, int threads, boolean warmUp) {
    KernelProvider chosen = KernelProvider.choose(name);
    Kernels kernels = chosen.kernels();
    int count = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    MachineSpeed speed = SpeedProbe.measure(kernels, count);
    log.info("event=kernels name={} reason=\"{}\"", kernels.name(), chosen.reason());
    return new EngineShardFactory(kernels, count, warmUp, speed);
  }

  @Override
  public String kernels() {
    return compute.name();
  }

  @Override
  public List<TensorSlice> inventory(ShardSpec spec) throws IOException {
    return ShardInventory.of(spec.plan(), spec.header(), spec.rank()).slices();
  }

  /**
   * Packed weights are about as large as encoded ones: an eighth more for scales that are kept
   * apart. Buffers are the step's activations, several float32 copies of each, and its logits.
   */
  @Override
  public Needs needs(ShardSpec spec) throws IOException {
    ModelSpec model = spec.plan().spec();
    RankPlan own = spec.plan().rank(spec.rank());
    long encoded = ShardInventory.of(spec.plan(), spec.header(), spec.rank()).bytes();
    long cache = spec.kvBlocks() * KvCache.bytesPerBlock(model, own, kvType(spec.kvType()));
    long columns =
        6L * model.hiddenSize() + 4L * model.headColumns() + 2L * model.feedForwardSize();
    long buffers =
        columns * Float.BYTES * spec.maxStepTokens()
            + (long) own.vocabulary().size() * Float.BYTES * spec.maxStepAsked();
    return new Needs(encoded + encoded / 8, cache, buffers);
  }

  @Override
  public Shard create(ShardSpec spec, SliceSource source, PackedShelf shelf, Exchange exchange)
      throws IOException {
    ThreadTeam team = new ThreadTeam(threads, spec.crowded());
    ShardWeights weights = null;
    try {
      weights = ShardWeights.load(spec.plan(), spec.rank(), spec.header(), source, shelf, team);
      RankOptions options =
          new RankOptions(
              spec.kvBlocks(),
              kvType(spec.kvType()),
              spec.maxStepTokens(),
              spec.maxStepRuns(),
              spec.maxStepAsked(),
              spec.maxCandidates());
      Rank rank = new Rank(spec.plan(), spec.rank(), weights, options, compute, team, exchange);
      if (warmUp) {
        chooseFetchDistances(weights, team);
        rank.warmUp();
      }
      long cacheBytes = needs(spec).cache();
      return new EngineShard(rank, weights, team, cacheBytes);
    } catch (IOException | RuntimeException | Error e) {
      if (weights != null) {
        weights.close();
      }
      team.close();
      throw e;
    }
  }

  private void chooseFetchDistances(ShardWeights weights, ThreadTeam team) {
    FetchProbe.choose(compute, team, weights);
    for (TensorType type : weights.types()) {
      log.info(
          "event=fetch_ahead type={} oneToken={} moreTokens={}",
          type,
          compute.fetchDistance(type, 1),
          compute.fetchDistance(type, FetchProbe.MORE_TOKENS));
    }
  }

  private static KvType kvType(String name) {
    try {
      return KvType.valueOf(name.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("kv_type '" + name + "' is none of f16, f32 and q8", e);
    }
  }

  private record EngineShard(Rank rank, ShardWeights weights, ThreadTeam team, long cacheBytes)
      implements Shard {

    @Override
    public StepResult run(Step step) {
      return rank.run(step);
    }

    @Override
    public boolean readAhead() {
      return rank.readAhead();
    }

    @Override
    public MemorySegment logits(int run, int token) {
      return rank.logits(run, token);
    }

    @Override
    public long weightBytes() {
      return weights.bytes();
    }

    @Override
    public void close() {
      rank.close();
      weights.close();
      team.close();
    }
  }
}
