package io.ladon.coordinator;

import io.ladon.coordinator.cluster.PlanChooser;
import io.ladon.coordinator.cluster.ShardNeeds;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.PlanCosts;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardInventory;
import io.ladon.engine.plan.ShardPlan;
import java.io.UncheckedIOException;
import java.util.Collections;
import java.util.Comparator;
import java.util.function.ToIntFunction;

/**
 * Chooses splits by what they are expected to cost, unless others, whose shards are at hand, cost
 * about the same.
 *
 * @param options what is given; the rest is chosen
 * @param standard the plan for want of any measurement
 * @param blocks KV blocks on each rank
 */
record MeasuredPlan(
    GgufHeader header, PlanOptions options, ShardPlan standard, int blocks, KvPrecision precision)
    implements PlanChooser {

  /** Whether anything is left to be chosen. */
  boolean hasChoice() {
    return options.ranks() > 1 && (options.output() == null || options.down() == null);
  }

  @Override
  public ShardPlan choose(MachineSpeed machine, LinkSpeed link, ToIntFunction<ShardPlan> held) {
    PlanCosts costs = new PlanCosts(standard.spec(), header, machine, link);
    ShardPlan kept = Collections.max(costs.choices(options), Comparator.comparingInt(held));
    try {
      ShardPlan cheapest = costs.cheapest(options, standard);
      boolean keep =
          held.applyAsInt(kept) > held.applyAsInt(cheapest)
              && costs.cheapest(options, kept).digest().equals(kept.digest());
      return keep ? kept : cheapest;
    } catch (CheckpointException e) {
      throw new UncheckedIOException("a plan was made before", e);
    }
  }

  @Override
  public ShardNeeds needs(ShardPlan plan) {
    return ShardNeeds.of(plan, rank -> bytes(plan, rank), blocks, precision);
  }

  private long bytes(ShardPlan plan, int rank) {
    try {
      return ShardInventory.of(plan, header, rank).bytes();
    } catch (CheckpointException e) {
      throw new UncheckedIOException(e);
    }
  }
}
