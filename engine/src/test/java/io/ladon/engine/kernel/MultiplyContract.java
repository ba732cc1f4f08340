package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.KernelFixtures.Quants;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What every tier's products must be, and the quantising before them: those of the scalar kernels,
 * bit for bit, and nothing written beside them.
 */
abstract class MultiplyContract {

  private final ScalarKernels scalar = new ScalarKernels();
  private final Arena arena = Arena.ofAuto();

  /** The tier. */
  abstract Kernels kernels();

  @ParameterizedTest
  @EnumSource
  void multipliesAlikeInAwkwardSizes(TensorType type) {
    int[] tokenCounts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33, 37};
    int[] columnCounts = {32, 64, 96, 288, 576, 1056};
    int i = 0;
    for (int rows : new int[] {1, 15, 16, 17, 33, 50}) {
      int columns = columnCounts[i % columnCounts.length];
      int tokens = tokenCounts[i % tokenCounts.length];
      i++;
      compare(whole(type, rows, columns, Quants.RANDOM), tokens, 0, rows);
    }
    for (int tokens : tokenCounts) {
      compare(whole(type, 18, 320, Quants.RANDOM), tokens, 0, 18);
    }
    for (int columns : columnCounts) {
      compare(whole(type, 16, columns, Quants.RANDOM), 6, 0, 16);
    }
    compare(whole(type, 70, 64, Quants.RANDOM), 3, 16, 48);
    compare(whole(type, 70, 64, Quants.RANDOM), 3, 48, 70);
  }

  /** Sizes of prefills, for which kernels may have other code. */
  @ParameterizedTest
  @EnumSource
  void multipliesManyTokensAlike(TensorType type) {
    PackedMatrix w = whole(type, 34, 352, Quants.RANDOM);
    for (int tokens = 17; tokens <= 81; tokens++) {
      compare(w, tokens, 0, 34);
    }
    for (int rows : new int[] {32, 48, 79, 82}) {
      compare(whole(type, rows, 288, Quants.RANDOM), 67, 0, rows);
    }
    compare(whole(type, 82, 64, Quants.RANDOM), 64, 16, 64);
    // So wide that tokens are cut into chunks, the last of which may be of one token; with AVX2
    // panels of the first are unpacked, those of the second are not.
    for (int columns : new int[] {8288, 16_448}) {
      PackedMatrix wide = whole(type, 33, columns, Quants.RANDOM);
      for (int tokens : new int[] {19, 21, 37, 70}) {
        compare(wide, tokens, 0, 33);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"F32", "F16", "BF16"},
      mode = EnumSource.Mode.EXCLUDE)
  void multipliesExtremesAlike(TensorType type) {
    for (Quants quants : Quants.values()) {
      PackedMatrix w = whole(type, 17, 320, quants);
      for (int activation : new int[] {127, -127}) {
        for (int tokens : new int[] {1, 4, 64}) {
          compare(w, KernelFixtures.constant(arena, tokens, 320, activation), tokens, 0, 17);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void multipliesLeavesAlike(TensorType type) {
    // columnBegin, columns, leafColumns, leaves of the tree, first leaf owned
    int[][] cuts = {
      {0, 768, 256, 3, 0},
      {0, 768, 256, 5, 1},
      {64, 640, 64, 13, 2},
      {192, 576, 192, 3, 0},
      {0, 544, 256, 3, 0},
      {736, 32, 32, 8, 7},
      {32, 96, 96, 2, 1}
    };
    for (int[] cut : cuts) {
      int rows = 37;
      MemorySegment encoded = KernelFixtures.encode(arena, type, rows, 768, Quants.RANDOM, 5);
      int leaves = (cut[1] + cut[2] - 1) / cut[2];
      PackedMatrix w =
          PackedMatrix.pack(
              arena,
              type,
              encoded,
              rows,
              768,
              cut[0],
              cut[1],
              cut[2],
              new LeafTree(cut[3]),
              new Range(cut[4], cut[4] + leaves));
      compare(w, 1, 0, rows);
      compare(w, 6, 0, rows);
      compare(w, 65, 0, rows);
    }
  }

  @Test
  void quantisesAlike() {
    int tokens = 5;
    int columns = 224;
    FloatTensor x = KernelFixtures.activations(arena, tokens, columns, 3);
    float[] odd = {0f, -0f, 1e-42f, 1e-38f, 1e38f, Float.POSITIVE_INFINITY, Float.NaN};
    for (int block = 0; block < odd.length; block++) {
      for (int c = 0; c < 32; c++) {
        x.set(2, 32 * block + c, c % 3 == 0 ? odd[block] : -odd[block] / 3);
        x.set(3, 32 * block + c, (c - 16) / 2f * 127 / 8);
      }
    }
    QuantizedActivations expected = QuantizedActivations.allocate(arena, tokens, columns);
    QuantizedActivations actual = QuantizedActivations.allocate(arena, tokens, columns);
    actual.quants().fill((byte) 7);
    expected.quants().fill((byte) 7);
    scalar.quantize(x, 0, tokens, 32, columns, expected);
    kernels().quantize(x, 0, 2, 32, columns, actual);
    FloatTensor rest =
        new FloatTensor(x.segment().asSlice(8L * columns), tokens - 2, columns); // from row 2 on
    kernels().quantize(rest, 0, 1, 32, columns, actual, 2);
    kernels().quantize(rest, 1, tokens - 2, 32, columns, actual, 3);
    assertSame(actual, expected);
    kernels().sumBlocks(actual, 1, tokens);
    scalar.sumBlocks(expected, 1, tokens);
    assertThat(actual.sums().toArray(ValueLayout.JAVA_INT))
        .isEqualTo(expected.sums().toArray(ValueLayout.JAVA_INT));
  }

  @Test
  void quantisesAnyNumberOfBlocks() {
    for (int blocks = 1; blocks <= 13; blocks++) {
      for (int tokens = 1; tokens <= 3; tokens += 2) { // whole rows, which go together
        FloatTensor x = KernelFixtures.activations(arena, tokens, 32 * blocks, blocks);
        QuantizedActivations expected = filled(tokens + 2, 32 * blocks);
        QuantizedActivations actual = filled(tokens + 2, 32 * blocks);
        scalar.quantize(x, 0, tokens, 0, 32 * blocks, expected, 1);
        kernels().quantize(x, 0, tokens, 0, 32 * blocks, actual, 1);
        assertSame(actual, expected);
      }
    }
  }

  private QuantizedActivations filled(int tokens, int columns) {
    QuantizedActivations filled = QuantizedActivations.allocate(arena, tokens, columns);
    filled.quants().fill((byte) 7);
    filled.scales().fill((byte) 7);
    filled.sums().fill((byte) 7);
    return filled;
  }

  private static void assertSame(QuantizedActivations actual, QuantizedActivations expected) {
    assertThat(actual.quants().toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(expected.quants().toArray(ValueLayout.JAVA_BYTE));
    assertThat(actual.scales().toArray(ValueLayout.JAVA_FLOAT))
        .isEqualTo(expected.scales().toArray(ValueLayout.JAVA_FLOAT));
    assertThat(actual.sums().toArray(ValueLayout.JAVA_INT))
        .isEqualTo(expected.sums().toArray(ValueLayout.JAVA_INT));
  }

  private PackedMatrix whole(TensorType type, int rows, int columns, Quants quants) {
    int encodedColumns = KernelFixtures.encodedColumns(type, columns);
    MemorySegment encoded = KernelFixtures.encode(arena, type, rows, encodedColumns, quants, rows);
    LeafTree one = new LeafTree(1);
    return PackedMatrix.pack(
        arena, type, encoded, rows, encodedColumns, 0, columns, columns, one, one.all());
  }

  private void compare(PackedMatrix w, int tokens, int rowBegin, int rowEnd) {
    if (w.type().isFloat()) {
      FloatTensor x = KernelFixtures.activations(arena, tokens, w.columns(), tokens);
      FloatTensor[] expected = KernelFixtures.results(arena, w, tokens, w.rows() + 3);
      FloatTensor[] actual = KernelFixtures.results(arena, w, tokens, w.rows() + 3);
      scalar.multiply(w, rowBegin, rowEnd, x, tokens, expected, 2);
      kernels().multiply(w, rowBegin, rowEnd, x, tokens, actual, 2);
      assertSame(w, tokens, expected, actual);
    } else {
      compare(
          w,
          KernelFixtures.quantized(arena, tokens, w.columns(), tokens),
          tokens,
          rowBegin,
          rowEnd);
    }
  }

  private void compare(
      PackedMatrix w, QuantizedActivations x, int tokens, int rowBegin, int rowEnd) {
    FloatTensor[] expected = KernelFixtures.results(arena, w, tokens, w.rows() + 3);
    FloatTensor[] actual = KernelFixtures.results(arena, w, tokens, w.rows() + 3);
    scalar.multiply(w, rowBegin, rowEnd, x, tokens, expected, 2);
    kernels().multiply(w, rowBegin, rowEnd, x, tokens, actual, 2);
    assertSame(w, tokens, expected, actual);
  }

  private static void assertSame(
      PackedMatrix w, int tokens, FloatTensor[] expected, FloatTensor[] actual) {
    for (int root = 0; root < expected.length; root++) {
      assertThat(bits(actual[root]))
          .as(
              "root %d of %s, %d rows, %d columns, %d tokens",
              root, w.type(), w.rows(), w.columns(), tokens)
          .isEqualTo(bits(expected[root]));
    }
  }

  private static int[] bits(FloatTensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_INT);
  }
}
