package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.model.ModelSpec.Activation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** All other arithmetic against the scalar kernels, bit for bit. */
abstract class ArithmeticContract extends MultiplyContract {

  private final Arena arena = Arena.ofAuto();

  private static int[] bits(FloatTensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_INT);
  }

  /** SiLU, GELU and the exponential over all floats, in steps. */
  @ParameterizedTest
  @EnumSource
  void activatesAlikeOverAllFloats(Activation activation) {
    int length = 1 << 16;
    FloatTensor gate = FloatTensor.allocate(arena, 1, length);
    FloatTensor up = FloatTensor.allocate(arena, 1, length);
    FloatTensor y = FloatTensor.allocate(arena, 1, length);
    for (int i = 0; i < length; i++) {
      up.set(0, i, 1f);
    }
    long bits = 0;
    while (bits < 1L << 32) {
      for (int i = 0; i < length; i++, bits += ExponentialTest.STEP) {
        gate.set(0, i, Float.intBitsToFloat((int) bits));
      }
      kernels().gate(activation, gate.segment(), 0, up.segment(), 0, y.segment(), 0, length);
      for (int i = 0; i < length; i++) {
        float expected = Exponential.activate(activation, gate.get(0, i));
        if (Float.floatToIntBits(expected) != Float.floatToIntBits(y.get(0, i))) {
          assertThat(y.get(0, i)).as("%s of %s", activation, gate.get(0, i)).isEqualTo(expected);
        }
      }
    }
  }

  /** One block of 16 equal values: the sum is exactly 16 times the exponential. */
  @Test
  void exponentialIsAlikeOverAllFloats() {
    FloatTensor x = FloatTensor.allocate(arena, 1, 16);
    FloatTensor zero = FloatTensor.allocate(arena, 1, 1);
    FloatTensor sum = FloatTensor.allocate(arena, 1, 1);
    for (long bits = 0; bits < 1L << 32; bits += 16L * ExponentialTest.STEP) {
      float value = Float.intBitsToFloat((int) bits);
      for (int i = 0; i < 16; i++) {
        x.set(0, i, value);
      }
      float expected = 16 * Exponential.exp(value);
      kernels().sumExp(x.segment(), 0, 16, 1, zero.segment(), 0, 1f, sum.segment(), 0);
      float actual = sum.get(0, 0);
      if (Float.floatToIntBits(expected) != Float.floatToIntBits(actual)) {
        assertThat(actual).as("16 exp(%s)", value).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 576, 1000})
  void vectorsAlike(int length) {
    FloatTensor a = KernelFixtures.activations(arena, 1, length + 5, length);
    FloatTensor b = KernelFixtures.activations(arena, 1, length + 5, length + 1);
    FloatTensor[] y = new FloatTensor[2];
    Kernels[] tiers = {new ScalarKernels(), kernels()};
    for (int i = 0; i < 2; i++) {
      y[i] = FloatTensor.allocate(arena, 8, length + 5);
      Kernels tier = tiers[i];
      long row = length + 5L;
      MemorySegment out = y[i].segment();
      MemorySegment.copy(a.segment(), 0, out, 0, 4L * row);
      MemorySegment.copy(a.segment(), 0, out, 4L * row, 4L * row);
      tier.add(b.segment(), 2, out, 3, length);
      tier.scale(out, row + 1, length, 0.3f);
      tier.rmsNorm(a.segment(), 2, b.segment(), 1e-6f, length, 1, out, 2 * row + 3);
      tier.gate(Activation.SILU, a.segment(), 1, b.segment(), 2, out, 3 * row + 1, length);
      tier.gate(Activation.GELU_TANH, a.segment(), 1, b.segment(), 2, out, 4 * row + 1, length);
      MemorySegment.copy(a.segment(), 0, out, 20L * row, 4L * row);
      tier.gate(Activation.SILU, out, 5 * row + 1, b.segment(), 2, out, 5 * row + 1, length);
      tier.max(a.segment(), 1, length, 1, out, 6 * row + 1);
      tier.sumExp(a.segment(), 1, length, 1, out, 6 * row + 1, 1.3f, out, 7 * row + 2);
    }
    assertThat(bits(y[1])).isEqualTo(bits(y[0]));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3, 16, 64, 250, 256})
  void vectorsAreEachMaximizedAndSummedUpOnTheirOwn(int length) {
    int vectors = 5;
    FloatTensor x = KernelFixtures.activations(arena, vectors + 1, length, length);
    FloatTensor[] y = new FloatTensor[2];
    Kernels[] tiers = {new ScalarKernels(), kernels()};
    for (int i = 0; i < 2; i++) {
      y[i] = FloatTensor.allocate(arena, 2, vectors + 3);
      MemorySegment out = y[i].segment();
      int row = vectors + 3;
      tiers[i].max(x.segment(), length, length, vectors, out, 1);
      tiers[i].sumExp(x.segment(), length, length, vectors, out, 1, 0.7f, out, row + 2L);
      tiers[i].max(x.segment(), 0, length, 0, out, 0);
      tiers[i].sumExp(x.segment(), 0, length, 0, out, 0, 0.7f, out, row);
      for (int v = 0; v < vectors; v++) {
        float max = Float.NEGATIVE_INFINITY;
        for (int c = 0; c < length; c++) {
          max = Math.max(max, x.get(v + 1, c));
        }
        assertThat(y[i].get(0, v + 1)).isEqualTo(max);
      }
    }
    assertThat(bits(y[1])).isEqualTo(bits(y[0]));
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 16, 64, 576})
  void rowsAreNormedEachOnItsOwn(int length) {
    FloatTensor x = KernelFixtures.activations(arena, 5, length, length);
    FloatTensor weight = KernelFixtures.activations(arena, 1, length, 1);
    FloatTensor expected = FloatTensor.allocate(arena, 5, length);
    Kernels scalar = new ScalarKernels();
    for (int row = 0; row < 5; row++) {
      long at = (long) row * length;
      scalar.rmsNorm(x.segment(), at, weight.segment(), 1e-5f, length, 1, expected.segment(), at);
    }
    FloatTensor y = FloatTensor.allocate(arena, 5, length);
    kernels().rmsNorm(x.segment(), 0, weight.segment(), 1e-5f, length, 5, y.segment(), 0);
    assertThat(bits(y)).isEqualTo(bits(expected));
    kernels().rmsNorm(x.segment(), 0, weight.segment(), 1e-5f, length, 5, x.segment(), 0);
    assertThat(bits(x)).isEqualTo(bits(expected));
    kernels().rmsNorm(x.segment(), 0, weight.segment(), 1e-5f, length, 0, y.segment(), 0);
    assertThat(bits(y)).isEqualTo(bits(expected));
  }

  @Test
  void findsNoNumberAmongNumbers() {
    FloatTensor x = KernelFixtures.activations(arena, 1, 48, 1);
    FloatTensor max = FloatTensor.allocate(arena, 1, 3);
    for (int i = 0; i < 48; i++) {
      float before = x.get(0, i);
      x.set(0, i, Float.intBitsToFloat(i % 2 == 0 ? 0x7FC00000 : 0xFFC00001));
      kernels().max(x.segment(), 0, 48, 1, max.segment(), 0);
      assertThat(max.get(0, 0)).isNaN();
      kernels().max(x.segment(), 0, 16, 3, max.segment(), 0);
      for (int v = 0; v < 3; v++) {
        assertThat(Float.isNaN(max.get(0, v))).isEqualTo(v == i / 16);
      }
      x.set(0, i, before);
    }
  }

  @Test
  void sumsBlocksAlike() {
    QuantizedActivations x = QuantizedActivations.allocate(arena, 3, 96);
    QuantizedActivations y =
        new QuantizedActivations(3, 96, x.quants(), x.scales(), arena.allocate(36, 64));
    for (int i = 0; i < 3 * 96; i++) {
      x.quants().set(ValueLayout.JAVA_BYTE, i, (byte) (i < 96 ? -127 : i * 37));
    }
    new ScalarKernels().sumBlocks(x, 1, 3);
    kernels().sumBlocks(y, 1, 3);
    assertThat(y.sums().mismatch(x.sums())).isEqualTo(-1);
    new ScalarKernels().sumBlocks(x, 0, 1);
    kernels().sumBlocks(y, 0, 1);
    assertThat(y.sums().mismatch(x.sums())).isEqualTo(-1);
  }
}
