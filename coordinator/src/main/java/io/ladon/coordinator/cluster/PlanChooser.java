package io.ladon.coordinator.cluster;

import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.ShardPlan;

/** Chooses the splits that the coordinator's options leave open. */
public interface PlanChooser {

  /** The plan for machines and links of some speed, those of the slowest rank. */
  ShardPlan choose(MachineSpeed machine, LinkSpeed link);

  /** Memory of each rank of a plan. */
  ShardNeeds needs(ShardPlan plan);
}
