package io.ladon.engine.rank;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * A rank's own rows of gate and up, and the activation: from normed tokens to down's input. Some
 * tokens at a time, so that what is between the products stays in the cache and costs little
 * memory.
 */
final class FeedForwardPhase {

  /** Tokens at a time. */
  private static final int CHUNK = 128;

  /** Units of rows that are quantised together. */
  private static final int UNITS = ShardPlan.BLOCK / ShardPlan.ROW_BLOCK;

  private final ModelSpec.Activation activation;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final Projection down;
  private final Rows[] input; // normed tokens, by chunk
  private final Rows[] output; // down's input, by chunk
  private final FloatTensor[][] gate; // by chunk: one, output's floats
  private final FloatTensor[] passing; // one of (chunk, columns of output): gate, to be quantised
  private final FloatTensor[] up; // one of (chunk, own rows)
  private final IntRangeTask task = this::compute;
  private @Nullable LayerWeights weights;
  private int tokens;

  /**
   * @param input normed tokens, (tokens, hidden)
   * @param down whose input this makes
   */
  FeedForwardPhase(
      Arena arena,
      ModelSpec spec,
      Kernels kernels,
      ThreadTeam team,
      int maxTokens,
      Rows input,
      Projection down) {
    this.activation = spec.activation();
    this.kernels = kernels;
    this.team = team;
    this.down = down;
    this.input = chunks(input, maxTokens);
    this.output = chunks(down.input(), maxTokens);
    this.gate = new FloatTensor[output.length][];
    for (int i = 0; i < gate.length; i++) {
      gate[i] = new FloatTensor[] {output[i].floats()};
    }
    int chunk = Math.min(CHUNK, maxTokens);
    this.passing = new FloatTensor[] {FloatTensor.allocate(arena, chunk, down.input().columns())};
    this.up = new FloatTensor[] {FloatTensor.allocate(arena, chunk, down.inputColumns())};
  }

  private static Rows[] chunks(Rows rows, int maxTokens) {
    Rows[] chunks = new Rows[(maxTokens + CHUNK - 1) / CHUNK];
    for (int i = 0; i < chunks.length; i++) {
      chunks[i] = rows.slice(i * CHUNK, Math.min(maxTokens, (i + 1) * CHUNK));
    }
    return chunks;
  }

  void run(LayerWeights w, int stepTokens) {
    weights = w;
    tokens = stepTokens;
    team.run((Multiplication.units(w.gate()) + UNITS - 1) / UNITS, task);
  }

  /** The same rows of gate and up, then their activation. */
  private void compute(int thread, int begin, int end) {
    LayerWeights w = weights;
    PackedMatrix gateMatrix = w == null ? null : w.gate();
    PackedMatrix upMatrix = w == null ? null : w.up();
    if (w == null || gateMatrix == null || upMatrix == null) {
      return;
    }
    int unitBegin = begin * UNITS;
    int unitEnd = Math.min(Multiplication.units(gateMatrix), end * UNITS);
    int rowBegin = begin * ShardPlan.BLOCK;
    int rowEnd = Math.min(gateMatrix.rows(), end * ShardPlan.BLOCK);
    int column = down.inputColumn();
    boolean quantizes = down.takesQuants(w.downInput());
    for (int chunk = 0; chunk * CHUNK < tokens; chunk++) {
      int count = Math.min(CHUNK, tokens - chunk * CHUNK);
      Rows x = input[chunk];
      FloatTensor[] y = quantizes ? passing : gate[chunk];
      Multiplication.multiply(kernels, gateMatrix, unitBegin, unitEnd, x, count, y, column);
      Multiplication.multiply(kernels, upMatrix, unitBegin, unitEnd, x, count, up, 0);
      gate(y[0], column, count, rowBegin, rowEnd);
      if (quantizes) {
        kernels.quantize(
            y[0], 0, count, column + rowBegin, column + rowEnd, output[chunk].quants());
      }
    }
  }

  private void gate(FloatTensor y, int column, int count, int rowBegin, int rowEnd) {
    int rows = rowEnd - rowBegin;
    boolean whole = rows == y.columns() && rows == up[0].columns(); // tokens follow each other
    int together = whole ? count : 1;
    for (int t = 0; t < count; t += together) {
      long at = (long) t * y.columns() + column + rowBegin;
      kernels.gate(
          activation,
          y.segment(),
          at,
          up[0].segment(),
          (long) t * up[0].columns() + rowBegin,
          y.segment(),
          at,
          together * rows);
    }
  }
}
