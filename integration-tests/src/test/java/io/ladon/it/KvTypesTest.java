package io.ladon.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.KvPrecision;
import io.ladon.coordinator.cluster.ShardNeeds;
import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.KvType;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.synth.SyntheticShapes;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The coordinator, which has no KV cache, knows its types and their sizes as the ranks do. */
final class KvTypesTest {

  @ParameterizedTest
  @EnumSource
  void coordinatorAndRanksCountTheSameBytes(KvType type) {
    KvPrecision precision = KvPrecision.valueOf(type.name());
    for (ModelSpec spec : SyntheticShapes.all().values()) {
      ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(2));
      ShardNeeds needs = ShardNeeds.of(plan, rank -> 0, 7, precision);
      for (int rank = 0; rank < plan.size(); rank++) {
        assertThat(needs.cache()[rank])
            .isEqualTo(7 * KvCache.bytesPerBlock(spec, plan.rank(rank), type));
      }
    }
  }
}
