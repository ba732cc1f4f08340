package io.ladon.engine.plan;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a plan may be told beside the model.
 *
 * @param ranks workers, 1 .. query heads of the model
 * @param shares relative speed by rank, positive; empty for equal ranks
 * @param output split of the output projection; null lets the plan choose
 * @param down split of down; null lets the plan choose
 */
public record PlanOptions(
    int ranks, List<Double> shares, @Nullable Split output, @Nullable Split down) {

  public PlanOptions {
    shares = List.copyOf(shares);
  }

  /** Equal ranks, splits chosen by the plan. */
  public static PlanOptions of(int ranks) {
    return new PlanOptions(ranks, List.of(), null, null);
  }
}
