package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.model.ModelSpec.Activation;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The scalar kernels against the plain formulas in doubles. */
class ScalarKernelsTest {

  private final ScalarKernels kernels = new ScalarKernels();
  private final Arena arena = Arena.ofAuto();

  @ParameterizedTest
  @EnumSource
  void multipliesAsTheDecodedMatrixWould(TensorType type) {
    int rows = 19;
    int columns = 288;
    int tokens = 3;
    PackedMatrix w = KernelFixtures.pack(arena, type, rows, columns, 1);
    FloatTensor x = KernelFixtures.activations(arena, tokens, columns, 2);
    QuantizedActivations quantized = QuantizedActivations.allocate(arena, tokens, columns);
    kernels.quantize(x, 0, tokens, 0, columns, quantized);
    FloatTensor[] out = KernelFixtures.results(arena, w, tokens, rows + 1);

    if (type.isFloat()) {
      kernels.multiply(w, 0, rows, x, tokens, out, 1);
    } else {
      kernels.multiply(w, 0, rows, quantized, tokens, out, 1);
    }

    float[] decoded = new float[columns];
    for (int t = 0; t < tokens; t++) {
      assertThat(out[0].get(t, 0)).isNaN();
      for (int r = 0; r < rows; r++) {
        w.decode(r, decoded);
        double sum = 0;
        double magnitude = 0;
        for (int c = 0; c < columns; c++) {
          double activation = type.isFloat() ? x.get(t, c) : dequantized(quantized, t, c);
          sum += decoded[c] * activation;
          magnitude += Math.abs(decoded[c] * activation);
        }
        assertThat((double) out[0].get(t, r + 1)).isCloseTo(sum, within(1e-5 * magnitude + 1e-30));
      }
    }
  }

  private static double dequantized(QuantizedActivations x, int token, int column) {
    long index = (long) token * x.columns() + column;
    return (double) x.quants().get(ValueLayout.JAVA_BYTE, index)
        * x.scales().getAtIndex(ValueLayout.JAVA_FLOAT, index / 32);
  }

  @Test
  void leavesAreAddedInTheirTree() {
    // Columns 1..6 x 32 of ones in F32: each leaf's sum is its number of columns.
    int columns = 6 * 32;
    MemorySegment ones = arena.allocate(4L * columns);
    for (int c = 0; c < columns; c++) {
      ones.setAtIndex(ValueLayout.JAVA_FLOAT, c, 1f);
    }
    LeafTree tree = new LeafTree(7);
    Range owned = new Range(1, 7);
    PackedMatrix w =
        PackedMatrix.pack(arena, TensorType.F32, ones, 1, columns, 0, columns, 32, tree, owned);
    assertThat(w.roots()).isEqualTo(List.of(new Range(1, 2), new Range(2, 4), new Range(4, 7)));
    FloatTensor x = FloatTensor.allocate(arena, 1, columns);
    for (int c = 0; c < columns; c++) {
      x.set(0, c, 1 + c / 32);
    }
    FloatTensor[] out = KernelFixtures.results(arena, w, 1, 1);
    kernels.multiply(w, 0, 1, x, 1, out, 0);
    assertThat(out[0].get(0, 0)).isEqualTo(32f);
    assertThat(out[1].get(0, 0)).isEqualTo(32f * (2 + 3));
    assertThat(out[2].get(0, 0)).isEqualTo(32f * (4 + 5 + 6));
  }

  @Test
  void quantisesHalfToEvenByTheLargest() {
    FloatTensor x = FloatTensor.allocate(arena, 1, 96);
    float[] values = {127f, -127f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 126.4f};
    for (int i = 0; i < values.length; i++) {
      x.set(0, i, values[i]);
    }
    x.set(0, 64, 1e-42f); // 127 / 1e-42 is infinite
    QuantizedActivations out = QuantizedActivations.allocate(arena, 1, 96);
    kernels.quantize(x, 0, 1, 0, 96, out);
    byte[] quants = out.quants().toArray(ValueLayout.JAVA_BYTE);
    assertThat(quants).startsWith(127, -127, 0, 2, 2, 0, -2, 126, 0);
    assertThat(out.scales().toArray(ValueLayout.JAVA_FLOAT)).startsWith(1f, 0f, 1e-42f / 127f);
    assertThat(out.sums().toArray(ValueLayout.JAVA_INT)).startsWith(128, 0, 0);
    assertThat(java.util.Arrays.copyOfRange(quants, 32, 96)).containsOnly(0);
    out.sums().fill((byte) 9);
    kernels.sumBlocks(out, 0, 1);
    assertThat(out.sums().toArray(ValueLayout.JAVA_INT)).startsWith(128, 0, 0);
  }

  @Test
  void normalises() {
    int length = 37;
    FloatTensor x = KernelFixtures.activations(arena, 1, length, 5);
    FloatTensor weight = KernelFixtures.activations(arena, 1, length, 6);
    FloatTensor y = FloatTensor.allocate(arena, 1, length);
    kernels.rmsNorm(x.segment(), 0, weight.segment(), 1e-5f, length, 1, y.segment(), 0);
    double squares = 0;
    for (int i = 0; i < length; i++) {
      squares += (double) x.get(0, i) * x.get(0, i);
    }
    for (int i = 0; i < length; i++) {
      double expected = x.get(0, i) / Math.sqrt(squares / length + 1e-5) * weight.get(0, i);
      assertThat((double) y.get(0, i))
          .isCloseTo(expected, within(1e-6 + 1e-5 * Math.abs(expected)));
    }
  }

  @Test
  void activates() {
    for (float x = -30; x < 30; x += 0.37f) {
      double silu = x / (1 + Math.exp(-x));
      double gelu = 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      assertThat((double) Exponential.activate(Activation.SILU, x))
          .isCloseTo(silu, within(1e-6 * Math.abs(silu) + 1e-30));
      assertThat((double) Exponential.activate(Activation.GELU_TANH, x))
          .isCloseTo(gelu, within(2e-6 * Math.abs(x)));
    }
  }

  @Test
  void sumsExponentials() {
    FloatTensor x = KernelFixtures.activations(arena, 1, 1001, 7);
    FloatTensor y = FloatTensor.allocate(arena, 1, 2);
    kernels.max(x.segment(), 0, 1001, 1, y.segment(), 0);
    kernels.sumExp(x.segment(), 0, 1001, 1, y.segment(), 0, 0.7f, y.segment(), 1);
    float max = y.get(0, 0);
    double sum = 0;
    float largest = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < 1001; i++) {
      largest = Math.max(largest, x.get(0, i));
      sum += Math.exp((x.get(0, i) - max) * 0.7);
    }
    assertThat(max).isEqualTo(largest);
    assertThat((double) y.get(0, 1)).isCloseTo(sum, within(sum * 1e-5));
    kernels.max(x.segment(), 0, 0, 1, y.segment(), 0);
    assertThat(y.get(0, 0)).isEqualTo(Float.NEGATIVE_INFINITY);
  }
}
