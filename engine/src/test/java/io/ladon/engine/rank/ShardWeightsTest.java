package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardInventory;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.engine.testing.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ShardWeightsTest {

  @TempDir private static Path folder;

  static List<String> models() {
    return TinyModels.names();
  }

  @ParameterizedTest
  @MethodSource("models")
  void readsTheSlicesOfTheInventoryAndNoOthers(String name) throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(name, "q4_k_m"));
        ThreadTeam team = new ThreadTeam(2, true)) {
      ModelSpec spec = ModelSpecs.read(file.header());
      for (Split split : Split.values()) {
        for (int ranks = 1; ranks <= 4; ranks++) {
          Split output =
              split == Split.COLUMNS && !ShardPlan.offersOutputColumns(spec, ranks)
                  ? Split.WHOLE
                  : split;
          ShardPlan plan = ShardPlan.of(spec, new PlanOptions(ranks, List.of(), output, split));
          for (int rank = 0; rank < ranks; rank++) {
            Set<TensorSlice> read = ConcurrentHashMap.newKeySet();
            SliceSource source =
                slice -> {
                  read.add(slice);
                  return file.slice(slice);
                };
            ShardInventory inventory = ShardInventory.of(plan, file.header(), rank);
            try (ShardWeights weights =
                ShardWeights.load(plan, rank, file.header(), source, team)) {
              if (ranks == 1) { // slices that cut a super-block overlap
                assertThat(weights.bytes()).isGreaterThanOrEqualTo(inventory.bytes());
              }
            }
            assertThat(read).containsExactlyInAnyOrderElementsOf(inventory.slices());
          }
        }
      }
    }
  }

  @Test
  void aSliceThatCannotBeHadIsToldAsItIs() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "q8_0"));
        ThreadTeam team = new ThreadTeam(2, true)) {
      ShardPlan plan = ShardPlan.of(ModelSpecs.read(file.header()), PlanOptions.of(1));
      SliceSource source =
          slice -> {
            if (slice.tensor().equals("blk.1.ffn_up.weight")) {
              throw new IOException("no blk.1.ffn_up.weight today");
            }
            return file.slice(slice);
          };
      assertThatThrownBy(() -> ShardWeights.load(plan, 0, file.header(), source, team))
          .isInstanceOf(IOException.class)
          .hasMessage("no blk.1.ffn_up.weight today");
    }
  }
}
