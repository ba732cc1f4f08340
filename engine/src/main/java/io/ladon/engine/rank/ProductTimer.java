package io.ladon.engine.rank;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;

/**
 * Times products with parts of a matrix, one part after the other and then from the first again.
 *
 * <p>Weights of a model come from memory, but those here might come from a cache that is larger
 * than they are, which some servers have; so they can be taken out of it before they are read.
 */
final class ProductTimer {

  private final Kernels kernels;
  private final ThreadTeam team;
  private final PackedMatrix weights;
  private final int units; // of rows, in a part
  private final int parts;
  private final Rows input; // zeros
  private final FloatTensor[] result;
  private final IntRangeTask task = this::multiply;
  private int firstUnit;
  private int tokens;

  /**
   * @param partRows of each part; of a smaller matrix all its rows are the only part
   * @param maxTokens of any product
   * @param arena of what is multiplied and computed
   */
  ProductTimer(
      Kernels kernels,
      ThreadTeam team,
      PackedMatrix weights,
      int partRows,
      int maxTokens,
      Arena arena) {
    this.kernels = kernels;
    this.team = team;
    this.weights = weights;
    int all = Multiplication.units(weights);
    this.units = Math.clamp(partRows / ShardPlan.ROW_BLOCK, 1, all);
    this.parts = all / units;
    this.input = Rows.allocate(arena, maxTokens, weights.columns());
    this.result = new FloatTensor[] {FloatTensor.allocate(arena, maxTokens, weights.rows())};
  }

  PackedMatrix weights() {
    return weights;
  }

  /** How long a product with a part that is in no cache takes, in nanoseconds, at least 1. */
  long fromMemory(int part, int count) {
    long bytes = weights.bytes() / Multiplication.units(weights) * units;
    kernels.evict(weights.segment(), part % parts * bytes, bytes);
    return nanos(part, count);
  }

  /**
   * How long a product takes, in nanoseconds, at least 1.
   *
   * @param part any number from 0 on
   * @param count tokens
   */
  long nanos(int part, int count) {
    firstUnit = part % parts * units;
    tokens = count;
    long begin = System.nanoTime();
    team.run(units, task);
    return Math.max(1, System.nanoTime() - begin);
  }

  private void multiply(int thread, int begin, int end) {
    Multiplication.multiply(
        kernels, weights, firstUnit + begin, firstUnit + end, input, tokens, result, 0);
  }
}
