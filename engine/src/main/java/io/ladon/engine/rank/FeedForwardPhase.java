package io.ladon.engine.rank;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A rank's own rows of gate and up, and the activation: from normed tokens to down's input. */
final class FeedForwardPhase {

  private final ModelSpec.Activation activation;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final FloatTensor[] up; // one of (tokens, own rows)
  private final Rows input;
  private final FloatTensor[] out; // one, which also holds gate's rows until they are gated
  private final int outColumn;
  private final IntRangeTask task = this::compute;
  private @Nullable LayerWeights weights;
  private int tokens;

  /**
   * @param input normed tokens, (tokens, hidden)
   * @param out where the gated activations go
   * @param outColumn column in {@code out} of this rank's first row
   */
  FeedForwardPhase(
      Arena arena,
      ModelSpec spec,
      int ownRows,
      Kernels kernels,
      ThreadTeam team,
      int maxTokens,
      Rows input,
      FloatTensor out,
      int outColumn) {
    this.activation = spec.activation();
    this.kernels = kernels;
    this.team = team;
    this.input = input;
    this.out = new FloatTensor[] {out};
    this.outColumn = outColumn;
    this.up = new FloatTensor[] {FloatTensor.allocate(arena, maxTokens, ownRows)};
  }

  void run(LayerWeights w, int stepTokens) {
    weights = w;
    tokens = stepTokens;
    team.run(Multiplication.units(w.gate()), task);
  }

  /** The same units of rows of gate and up, then their activation. */
  private void compute(int thread, int begin, int end) {
    LayerWeights w = weights;
    PackedMatrix gateMatrix = w == null ? null : w.gate();
    PackedMatrix upMatrix = w == null ? null : w.up();
    if (gateMatrix == null || upMatrix == null) {
      return;
    }
    Multiplication.multiply(kernels, gateMatrix, begin, end, input, tokens, out, outColumn);
    Multiplication.multiply(kernels, upMatrix, begin, end, input, tokens, up, 0);
    int rowBegin = begin * ShardPlan.ROW_BLOCK;
    int rowEnd = Math.min(gateMatrix.rows(), end * ShardPlan.ROW_BLOCK);
    MemorySegment y = out[0].segment();
    for (int t = 0; t < tokens; t++) {
      long at = (long) t * out[0].columns() + outColumn + rowBegin;
      kernels.gate(
          activation,
          y,
          at,
          up[0].segment(),
          (long) t * gateMatrix.rows() + rowBegin,
          y,
          at,
          rowEnd - rowBegin);
    }
  }
}
