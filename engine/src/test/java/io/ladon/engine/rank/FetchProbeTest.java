package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.kernel.ScalarKernels;
import io.ladon.engine.kernel.SlabAllocator;
import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.plan.LeafTree;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FetchProbeTest {

  private static final int COLUMNS = 256;
  private static final LeafTree ONE = new LeafTree(1);

  private final Arena arena = Arena.ofShared();

  @AfterEach
  void free() {
    arena.close();
  }

  @ParameterizedTest
  @CsvSource({"0, 1, 2, 0", "1, 2, 0, 1", "2, 0, 1, 2"})
  void choosesForEachTypeTheDistancesThatReadSoonest(
      int one, int more, int oneOfOther, int moreOfOther) {
    FetchKernels kernels =
        new FetchKernels(
            Map.of(
                TensorType.Q4_0, List.of(one, more),
                TensorType.Q6_K, List.of(oneOfOther, moreOfOther)));
    ShardWeights weights =
        weights(
            matrix(TensorType.Q4_0, 64), matrix(TensorType.Q6_K, 40), matrix(TensorType.Q4_0, 16));

    choose(kernels.proxy(), weights);

    assertThat(weights.types()).containsExactly(TensorType.Q4_0, TensorType.Q6_K);
    assertThat(kernels.chosen(TensorType.Q4_0)).containsExactly(distance(one), distance(more));
    assertThat(kernels.chosen(TensorType.Q6_K))
        .containsExactly(distance(oneOfOther), distance(moreOfOther));
  }

  @Test
  void triesTheLargestMatrixOfAType() {
    FetchKernels kernels = new FetchKernels(Map.of(TensorType.Q4_0, List.of(0, 0)));
    PackedMatrix largest = matrix(TensorType.Q4_0, 160);

    choose(kernels.proxy(), weights(matrix(TensorType.Q4_0, 32), largest, null));

    assertThat(kernels.multiplied()).containsExactly(largest);
    assertThat(kernels.rowsMultiplied()).isEqualTo(160);
  }

  @Test
  void choosesNothingWhereThereIsNoChoice() {
    ShardWeights weights = weights(matrix(TensorType.Q4_0, 32), null, null);

    assertThatCode(() -> choose(new ScalarKernels(), weights)).doesNotThrowAnyException();
  }

  private static void choose(Kernels kernels, ShardWeights weights) {
    try (ThreadTeam team = new ThreadTeam(1)) {
      FetchProbe.choose(kernels, team, weights);
    }
  }

  private static FetchDistance distance(int index) {
    return FetchKernels.DISTANCES.get(index);
  }

  private PackedMatrix matrix(TensorType type, int rows) {
    return PackedMatrix.allocate(
        new SlabAllocator(arena), type, rows, 0, COLUMNS, COLUMNS, ONE, ONE.all());
  }

  /** With two matrices in a layer, and a vocabulary head. */
  private ShardWeights weights(
      @Nullable PackedMatrix query, @Nullable PackedMatrix down, @Nullable PackedMatrix head) {
    MemorySegment none = MemorySegment.NULL;
    InputKind any = InputKind.INT8;
    LayerWeights layer =
        new LayerWeights(
            none, query, null, null, null, null, null, null, null, null, null, none, null, null,
            down, null, any, any, any, any);
    return new ShardWeights(arena, 0, List.of(layer), none, head, any, TensorType.Q4_0, null);
  }
}
