package io.ladon.engine.rank;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/** One product, its rows split among the threads of a team. */
final class Multiplication {

  private final Kernels kernels;
  private final IntRangeTask task = this::multiply;
  private @Nullable PackedMatrix matrix;
  private Rows x = Rows.allocate(Arena.ofAuto(), 0, 0);
  private int tokens;
  private FloatTensor[] out = {};
  private int outColumn;

  Multiplication(Kernels kernels) {
    this.kernels = kernels;
  }

  /** Computes {@code out[root][t][outColumn + row] = w[row] . x[t]}. */
  void run(
      ThreadTeam team,
      PackedMatrix w,
      Rows input,
      int inputTokens,
      FloatTensor[] results,
      int resultColumn) {
    matrix = w;
    x = input;
    tokens = inputTokens;
    out = results;
    outColumn = resultColumn;
    team.run(units(w), task);
  }

  /** Units of rows that a thread may take of a matrix. */
  static int units(@Nullable PackedMatrix w) {
    return w == null ? 0 : (w.rows() + ShardPlan.ROW_BLOCK - 1) / ShardPlan.ROW_BLOCK;
  }

  /** Multiplies some units of rows, in the caller's thread. */
  static void multiply(
      Kernels kernels,
      PackedMatrix w,
      int unitBegin,
      int unitEnd,
      Rows x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    int begin = unitBegin * ShardPlan.ROW_BLOCK;
    int end = Math.min(w.rows(), unitEnd * ShardPlan.ROW_BLOCK);
    if (w.type().isFloat()) {
      kernels.multiply(w, begin, end, x.floats(), tokens, out, outColumn);
    } else {
      kernels.multiply(w, begin, end, x.quants(), tokens, out, outColumn);
    }
  }

  private void multiply(int thread, int begin, int end) {
    PackedMatrix w = matrix;
    if (w != null) {
      multiply(kernels, w, begin, end, x, tokens, out, outColumn);
    }
  }
}
