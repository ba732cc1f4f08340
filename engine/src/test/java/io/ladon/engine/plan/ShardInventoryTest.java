package io.ladon.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.rank.ShardWeights;
import io.ladon.engine.rank.ThreadTeam;
import io.ladon.engine.testing.TinyModels;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ShardInventoryTest {

  @TempDir private static Path folder;

  static Stream<Arguments> modelsAndRanks() {
    return TinyModels.names().stream()
        .flatMap(name -> Stream.of(1, 2, 3, 4).map(ranks -> Arguments.of(name, ranks)));
  }

  @ParameterizedTest
  @MethodSource("modelsAndRanks")
  void allRanksTogetherNeedTheWholeFileAndHaveWhatTheyNeed(String name, int ranks)
      throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(name, "q4_k_m"))) {
      for (Split split : Split.values()) {
        ShardPlan plan = plan(file.header(), ranks, split);
        Map<String, boolean[][]> seen = new HashMap<>();
        for (int rank = 0; rank < ranks; rank++) {
          ShardInventory inventory = ShardInventory.of(plan, file.header(), rank);
          long bytes = 0;
          for (TensorSlice slice : inventory.slices()) {
            MemorySegment data = file.slice(slice);
            assertThat(data.byteSize()).isPositive();
            bytes += data.byteSize();
            mark(seen, file.header().tensor(slice.tensor()), slice);
          }
          assertThat(inventory.bytes()).isEqualTo(bytes);
          assertThat(inventory.slices().stream().map(TensorSlice::tensor)).doesNotHaveDuplicates();
        }
        List<String> unused = new ArrayList<>(file.header().tensors().keySet());
        unused.removeAll(seen.keySet());
        assertThat(unused)
            .isEqualTo(plan.spec().tiedEmbeddings() ? List.of() : List.of("token_embd.weight"));
        seen.forEach(
            (tensor, elements) -> {
              for (boolean[] row : elements) {
                assertThat(row).as(tensor).doesNotContain(false);
              }
            });
      }
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndRanks")
  void loadingAsksForTheseSlicesAndNoOthers(String name, int ranks) throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(name, "q4_k_m"));
        ThreadTeam team = new ThreadTeam(1)) {
      for (Split split : Split.values()) {
        ShardPlan plan = plan(file.header(), ranks, split);
        for (int rank = 0; rank < ranks; rank++) {
          List<TensorSlice> asked = new ArrayList<>();
          SliceSource source =
              slice -> {
                asked.add(slice);
                return file.slice(slice);
              };
          ShardWeights.load(plan, rank, file.header(), source, team).close();
          assertThat(asked)
              .containsExactlyInAnyOrderElementsOf(
                  ShardInventory.of(plan, file.header(), rank).slices());
        }
      }
    }
  }

  @Test
  void aRankNeedsOnlyItsSlice() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "q4_0"))) {
      ShardInventory half =
          ShardInventory.of(plan(file.header(), 2, Split.COLUMNS), file.header(), 1);
      ShardInventory whole = ShardInventory.of(plan(file.header(), 1, null), file.header(), 0);
      assertThat(half.slices())
          .contains(
              new TensorSlice("blk.0.attn_norm.weight", 0, 1, 0, 256),
              new TensorSlice("blk.0.attn_q.weight", 128, 256, 0, 256),
              new TensorSlice("blk.0.attn_k.weight", 64, 128, 0, 256),
              new TensorSlice("blk.0.attn_output.weight", 0, 256, 128, 256),
              new TensorSlice("blk.0.ffn_up.weight", 512, 768, 0, 256),
              new TensorSlice("blk.0.ffn_down.weight", 0, 256, 512, 768),
              new TensorSlice("token_embd.weight", 512, 700, 0, 256));
      assertThat(half.bytes()).isLessThan(whole.bytes() * 6 / 10);
      assertThat(whole.bytes())
          .isEqualTo(file.header().tensors().values().stream().mapToLong(TensorInfo::bytes).sum());
    }
  }

  @Test
  void columnsAreRoundedOutwardToBlocks() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "q4_k"))) {
      ShardPlan plan = plan(file.header(), 2, Split.COLUMNS);
      for (int rank = 0; rank < 2; rank++) {
        assertThat(ShardInventory.of(plan, file.header(), rank).slices())
            .contains(new TensorSlice("blk.0.attn_output.weight", 0, 256, 0, 256));
      }
    }
  }

  @Test
  void rowsOfTheTwoProjections() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-qwen2", "q8_0"))) {
      assertThat(ShardInventory.of(plan(file.header(), 2, Split.ROWS), file.header(), 1).slices())
          .contains(
              new TensorSlice("blk.1.attn_output.weight", 128, 256, 0, 256),
              new TensorSlice("blk.1.ffn_down.weight", 128, 256, 0, 768),
              new TensorSlice("blk.1.attn_q.bias", 0, 1, 128, 256),
              new TensorSlice("blk.1.attn_v.bias", 0, 1, 32, 64));
    }
  }

  private static ShardPlan plan(GgufHeader header, int ranks, @Nullable Split split)
      throws Exception {
    var spec = ModelSpecs.read(header);
    Split output =
        split == Split.COLUMNS && !ShardPlan.offersOutputColumns(spec, ranks) ? Split.WHOLE : split;
    return ShardPlan.of(spec, new PlanOptions(ranks, List.of(), output, split));
  }

  private static void mark(Map<String, boolean[][]> seen, TensorInfo tensor, TensorSlice slice) {
    boolean[][] elements =
        seen.computeIfAbsent(tensor.name(), name -> new boolean[tensor.rows()][tensor.columns()]);
    for (int row = slice.rowBegin(); row < slice.rowEnd(); row++) {
      for (int column = slice.columnBegin(); column < slice.columnEnd(); column++) {
        elements[row][column] = true;
      }
    }
  }
}
