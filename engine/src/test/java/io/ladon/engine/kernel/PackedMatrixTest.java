package io.ladon.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.KernelFixtures.Quants;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedMatrixTest {

  private final Arena arena = Arena.ofAuto();

  @ParameterizedTest
  @EnumSource
  void decodesToWhatTheCheckpointDecodesTo(TensorType type) {
    int encodedColumns = 768;
    int rows = 35;
    int[][] cuts = {{0, 768, 768}, {0, 768, 256}, {64, 544, 96}, {256, 32, 32}, {736, 32, 32}};
    for (Quants quants : Quants.values()) {
      MemorySegment encoded = KernelFixtures.encode(arena, type, rows, encodedColumns, quants, 7);
      for (int[] cut : cuts) {
        int columns = cut[1];
        int leaves = (columns + cut[2] - 1) / cut[2];
        PackedMatrix w =
            PackedMatrix.pack(
                arena,
                type,
                encoded,
                rows,
                encodedColumns,
                cut[0],
                columns,
                cut[2],
                new LeafTree(leaves),
                new Range(0, leaves));
        float[] expected = new float[encodedColumns];
        float[] actual = new float[columns];
        for (int row = 0; row < rows; row++) {
          TensorDecoder.decode(
              type, encoded, row * type.bytesFor(encodedColumns), expected, 0, encodedColumns);
          w.decode(row, actual);
          assertThat(actual)
              .as("%s %s row %d of %s", type, quants, row, Arrays.toString(cut))
              .isEqualTo(Arrays.copyOfRange(expected, cut[0], cut[0] + columns));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void takesHardlyMoreThanTheFile(TensorType type) {
    int rows = 64;
    for (int columns : new int[] {256, 512, 768, 1536}) {
      PackedMatrix w = KernelFixtures.pack(arena, type, rows, columns, 1);
      assertThat(w.bytes()).isLessThanOrEqualTo(type.bytesFor(columns) * rows * 105 / 100);
    }
  }

  @Test
  void takesNoColumnsAndNoRows() {
    MemorySegment none = arena.allocate(1);
    PackedMatrix w =
        PackedMatrix.pack(
            arena, TensorType.Q4_0, none, 0, 64, 0, 0, 0, new LeafTree(2), new Range(1, 1));
    assertThat(w.roots()).isEmpty();
    assertThat(w.columns()).isZero();
  }

  @Test
  void refusesWhatDoesNotFit() {
    MemorySegment encoded = arena.allocate(TensorType.Q4_0.bytesFor(64) * 2);
    LeafTree one = new LeafTree(1);
    assertThatThrownBy(
            () ->
                PackedMatrix.pack(
                    arena, TensorType.Q4_0, encoded, 3, 64, 0, 64, 64, one, one.all()))
        .hasMessageContaining("72 bytes for 3 rows of 64 Q4_0");
    assertThatThrownBy(
            () ->
                PackedMatrix.pack(
                    arena, TensorType.Q4_0, encoded, 2, 64, 32, 64, 64, one, one.all()))
        .hasMessageContaining("columns from 32, 64 of them, out of 64");
    assertThatThrownBy(
            () ->
                PackedMatrix.pack(
                    arena, TensorType.Q4_0, encoded, 2, 64, 0, 48, 48, one, one.all()))
        .hasMessageContaining("multiple of 32");
    assertThatThrownBy(
            () ->
                PackedMatrix.pack(
                    arena, TensorType.Q4_0, encoded, 2, 64, 0, 64, 32, one, one.all()))
        .hasMessageContaining("leaves of 32 are not the leaves 0..0 of 1");
  }
}
