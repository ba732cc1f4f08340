package io.ladon.worker.member;

import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardPlan;

/** How large the parts of an epoch's exchanges can be. */
final class ExchangeSizes {

  private ExchangeSizes() {}

  /** Bytes of the largest part that one rank sends another in a step of so many tokens. */
  static long largestPart(ShardPlan plan, int tokens) {
    ModelSpec spec = plan.spec();
    long floats = spec.hiddenSize();
    for (RankPlan rank : plan.ranks()) {
      long outputRoots = plan.outputLeaves().roots(rank.outputLeaves()).size();
      long downRoots = plan.downLeaves().roots(rank.downLeaves()).size();
      floats = Math.max(floats, Math.max(outputRoots, downRoots) * spec.hiddenSize());
      floats = Math.max(floats, rank.feedForward().size());
      floats = Math.max(floats, plan.headColumns(rank.rank()).size());
    }
    return floats * Float.BYTES * tokens;
  }
}
