package io.ladon.coordinator.cluster;

import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.ShardPlan;
import java.util.function.ToIntFunction;

/** Chooses the splits that the coordinator's options leave open. */
public interface PlanChooser {

  /**
   * The plan for machines and links of some speed, those of the slowest rank.
   *
   * @param held how many ranks' shards of a plan the workers have at hand: of plans that cost about
   *     the same the one with the most is chosen, so that measuring anew sends no slice again
   */
  ShardPlan choose(MachineSpeed machine, LinkSpeed link, ToIntFunction<ShardPlan> held);

  /** Memory of each rank of a plan. */
  ShardNeeds needs(ShardPlan plan);
}
