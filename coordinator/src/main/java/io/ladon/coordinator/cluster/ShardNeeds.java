package io.ladon.coordinator.cluster;

import io.ladon.coordinator.KvPrecision;
import io.ladon.coordinator.Limits;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.ShardPlan;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntToLongFunction;

/**
 * Memory that each rank of a plan needs at least.
 *
 * @param weights bytes by rank, as in the checkpoint
 * @param cache bytes of the KV cache by rank
 */
public record ShardNeeds(long[] weights, long[] cache) {

  /**
   * @param weights bytes of a rank's slices
   * @param blocks KV blocks on each rank
   */
  public static ShardNeeds of(
      ShardPlan plan, IntToLongFunction weights, int blocks, KvPrecision precision) {
    long[] weightBytes = new long[plan.size()];
    long[] cacheBytes = new long[plan.size()];
    ModelSpec spec = plan.spec();
    for (int r = 0; r < plan.size(); r++) {
      weightBytes[r] = weights.applyAsLong(r);
      // Keys and values of every layer and KV head of this rank.
      cacheBytes[r] =
          2L
              * spec.layers()
              * plan.rank(r).kvHeads().size()
              * precision.headBytes(spec.headSize())
              * Limits.BLOCK_POSITIONS
              * blocks;
    }
    return new ShardNeeds(weightBytes, cacheBytes);
  }

  /** What a rank needs in all. */
  public long total(int rank) {
    return weights[rank] + cache[rank];
  }

  /** The rank that needs least. */
  public int least() {
    int least = 0;
    for (int r = 1; r < weights.length; r++) {
      least = total(r) < total(least) ? r : least;
    }
    return least;
  }

  /** A rank's needs in words. */
  public String text(int rank) {
    return "rank %d needs %s (%s of weights and %s of KV cache)"
        .formatted(rank, mebibytes(total(rank)), mebibytes(weights[rank]), mebibytes(cache[rank]));
  }

  /** What the ranks need at most, in words. */
  public String summary() {
    int most = 0;
    for (int r = 1; r < weights.length; r++) {
      most = total(r) > total(most) ? r : most;
    }
    return text(most);
  }

  static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ShardNeeds that
        && Arrays.equals(weights, that.weights)
        && Arrays.equals(cache, that.cache);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(weights) + Arrays.hashCode(cache);
  }

  @Override
  public String toString() {
    return "ShardNeeds[weights=%s, cache=%s]"
        .formatted(Arrays.toString(weights), Arrays.toString(cache));
  }
}
