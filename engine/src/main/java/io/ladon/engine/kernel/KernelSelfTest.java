package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorEncoder;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec.Activation;
import io.ladon.engine.plan.LeafTree;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/**
 * Compares kernels with the scalar ones at start, on small products and vectors: a CPU or emulator
 * that computes differently must not answer with other tokens than the rest of the cluster.
 */
final class KernelSelfTest {

  private static final int ROWS = 17;
  private static final int COLUMNS = 256;
  private static final int LEAF = 96;

  /** Of two tiles, of different sizes. */
  private static final int TOKENS = 9;

  /** So many that kernels take their code for prefills; they repeat those of {@link #TOKENS}. */
  private static final int MANY_TOKENS = 65;

  private KernelSelfTest() {}

  /** What is computed differently; empty for nothing. */
  static String difference(Kernels kernels) {
    Kernels scalar = new ScalarKernels();
    Random random = new Random(1);
    LeafTree tree = new LeafTree((COLUMNS - 1) / LEAF + 1);
    try (Arena arena = Arena.ofConfined()) {
      FloatTensor x = FloatTensor.allocate(arena, MANY_TOKENS, COLUMNS);
      for (int i = 0; i < TOKENS * COLUMNS; i++) {
        x.set(0, i, (float) random.nextGaussian());
      }
      repeat(x.segment());
      QuantizedActivations quantized = QuantizedActivations.allocate(arena, MANY_TOKENS, COLUMNS);
      scalar.quantize(x, 0, TOKENS, 0, COLUMNS, quantized);
      repeat(quantized.quants());
      repeat(quantized.scales());
      repeat(quantized.sums());
      QuantizedActivations other = QuantizedActivations.allocate(arena, MANY_TOKENS, COLUMNS);
      kernels.quantize(x, 0, MANY_TOKENS, 0, COLUMNS, other);
      if (other.quants().mismatch(quantized.quants()) >= 0
          || other.scales().mismatch(quantized.scales()) >= 0
          || other.sums().mismatch(quantized.sums()) >= 0) {
        return "it quantises activations otherwise than the scalar kernels";
      }
      scalar.sumBlocks(quantized, 0, MANY_TOKENS);
      kernels.sumBlocks(other, 0, MANY_TOKENS);
      if (other.sums().mismatch(quantized.sums()) >= 0
          || arithmetic(arena, kernels, x).mismatch(arithmetic(arena, scalar, x)) >= 0) {
        return "its float32 arithmetic differs from the scalar kernels'";
      }
      float[] weights = new float[ROWS * COLUMNS];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (float) random.nextGaussian();
      }
      FloatTensor[] expected = {FloatTensor.allocate(arena, MANY_TOKENS, ROWS)};
      FloatTensor[] actual = {FloatTensor.allocate(arena, MANY_TOKENS, ROWS)};
      for (TensorType type : TensorType.values()) {
        byte[] encoded = new byte[(int) type.bytesFor(weights.length)];
        TensorEncoder.encode(type, weights, 0, weights.length, encoded, 0);
        PackedMatrix w =
            PackedMatrix.pack(
                arena,
                type,
                MemorySegment.ofArray(encoded),
                ROWS,
                COLUMNS,
                0,
                COLUMNS,
                LEAF,
                tree,
                tree.all());
        multiply(scalar, w, x, quantized, TOKENS, expected);
        repeat(expected[0].segment());
        for (int tokens : new int[] {1, TOKENS, MANY_TOKENS}) {
          multiply(kernels, w, x, quantized, tokens, actual);
          long bytes = 4L * tokens * ROWS;
          long at =
              MemorySegment.mismatch(
                  expected[0].segment(), 0, bytes, actual[0].segment(), 0, bytes);
          if (at >= 0) {
            return "its products of %s with %d tokens differ from the scalar kernels' at byte %d"
                .formatted(type, tokens, at);
          }
        }
      }
    }
    return "";
  }

  /** Copies what {@link #TOKENS} have to all further tokens. */
  private static void repeat(MemorySegment ofTokens) {
    long bytes = ofTokens.byteSize() / MANY_TOKENS;
    for (int token = TOKENS; token < MANY_TOKENS; token++) {
      MemorySegment.copy(ofTokens, token % TOKENS * bytes, ofTokens, token * bytes, bytes);
    }
  }

  private static void multiply(
      Kernels kernels,
      PackedMatrix w,
      FloatTensor x,
      QuantizedActivations quantized,
      int tokens,
      FloatTensor[] out) {
    if (w.type().isFloat()) {
      kernels.multiply(w, 0, ROWS, x, tokens, out, 0);
    } else {
      kernels.multiply(w, 0, ROWS, quantized, tokens, out, 0);
    }
  }

  /** Results of all functions of float32 vectors. */
  private static MemorySegment arithmetic(Arena arena, Kernels kernels, FloatTensor x) {
    MemorySegment in = x.segment();
    FloatTensor results = FloatTensor.allocate(arena, 7, COLUMNS);
    MemorySegment out = results.segment();
    kernels.rmsNorm(in, 0, in.asSlice(4L * COLUMNS), 1e-5f, COLUMNS, 1, out, 0);
    kernels.rmsNorm(in, 0, in, 1e-5f, COLUMNS / 2, 2, out, 6L * COLUMNS);
    kernels.gate(Activation.SILU, in, 0, in, COLUMNS, out, COLUMNS, COLUMNS);
    kernels.gate(Activation.GELU_TANH, in, 0, in, COLUMNS, out, 2L * COLUMNS, COLUMNS);
    kernels.add(in, 0, out, 3L * COLUMNS, COLUMNS);
    kernels.add(in, COLUMNS, out, 3L * COLUMNS, COLUMNS);
    kernels.scale(out, 3L * COLUMNS, COLUMNS, 0.3f);
    results.set(4, 0, kernels.max(in, 0, COLUMNS));
    results.set(5, 0, kernels.sumExp(in, 0, COLUMNS, results.get(4, 0), 0.7f));
    return out;
  }
}
