package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.plan.LeafTree;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadAheadTest {

  private static final long MOST = 1 << 20;

  private record Piece(MemorySegment memory, long offset, long bytes) {}

  private final List<Piece> pieces = new ArrayList<>();
  private final ReadAhead readAhead =
      new ReadAhead((memory, offset, bytes) -> pieces.add(new Piece(memory, offset, bytes)));

  @Test
  void readsMatricesInTheirOrderWithoutGaps() {
    PackedMatrix first = matrix(48, 2048);
    PackedMatrix second = matrix(16, 96);
    readAhead.next(1, first, null, second);
    readAll();
    assertThat(end(first)).isEqualTo(first.segment().byteSize());
    assertThat(end(second)).isEqualTo(second.segment().byteSize());
    assertThat(pieces.getLast().memory()).isSameAs(second.segment());
    assertThat(readAhead.getAsBoolean()).isFalse();
  }

  @Test
  void readsNoMoreThanACacheHolds() {
    readAhead.next(1, matrix(512, 4096), matrix(512, 4096), null);
    readAll();
    assertThat(pieces.stream().mapToLong(Piece::bytes).sum()).isEqualTo(MOST);
  }

  @Test
  void beginsAnewWithEveryWait() {
    PackedMatrix matrix = matrix(512, 4096);
    readAhead.next(1, matrix, null, null);
    readAhead.getAsBoolean();
    readAhead.getAsBoolean();
    PackedMatrix other = matrix(64, 1024);
    readAhead.next(1, other, null, null);
    pieces.clear();
    readAhead.getAsBoolean();
    assertThat(pieces)
        .singleElement()
        .satisfies(
            piece -> {
              assertThat(piece.memory()).isSameAs(other.segment());
              assertThat(piece.offset()).isZero();
            });
  }

  @Test
  void readsNothingBeforeTheFirstWaitAndInLargeSteps() {
    assertThat(readAhead.getAsBoolean()).isFalse();
    readAhead.next(17, matrix(64, 1024), null, null);
    assertThat(readAhead.getAsBoolean()).isFalse();
    assertThat(pieces).isEmpty();
  }

  private void readAll() {
    while (readAhead.getAsBoolean()) {
      assertThat(pieces).hasSizeLessThan(10_000);
    }
  }

  /** Where the pieces of a matrix end, which follow each other from its begin. */
  private long end(PackedMatrix matrix) {
    long end = 0;
    for (Piece piece : pieces) {
      if (piece.memory().equals(matrix.segment())) {
        assertThat(piece.offset()).isEqualTo(end);
        end += piece.bytes();
      }
    }
    return end;
  }

  private static PackedMatrix matrix(int rows, int columns) {
    LeafTree one = new LeafTree(1);
    return PackedMatrix.allocate(
        Arena.ofAuto(), TensorType.Q4_0, rows, 0, columns, columns, one, one.all());
  }
}
