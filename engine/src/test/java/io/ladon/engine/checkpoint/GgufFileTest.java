package io.ladon.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {

  @TempDir private Path folder;

  @Test
  void givesWholeRowsAndCutColumns() throws Exception {
    Path path = write();
    try (GgufFile file = GgufFile.open(path)) {
      assertThat(file.path()).isEqualTo(path);
      assertThat(file.bytes()).isEqualTo(Files.size(path));
      TensorInfo matrix = file.header().tensor("matrix");
      assertThat(bytes(file.slice(matrix.whole()))).isEqualTo(matrixBytes());
      assertThat(bytes(file.slice(new TensorSlice("matrix", 1, 2, 0, 64))))
          .isEqualTo(Arrays.copyOfRange(matrixBytes(), 68, 136));
      byte[] lastBlocks = new byte[68];
      System.arraycopy(matrixBytes(), 68 + 34, lastBlocks, 0, 34);
      System.arraycopy(matrixBytes(), 136 + 34, lastBlocks, 34, 34);
      MemorySegment cut = file.slice(new TensorSlice("matrix", 1, 3, 32, 64));
      assertThat(bytes(cut)).isEqualTo(lastBlocks);
      assertThat(cut.isReadOnly()).isTrue();
      assertThat(file.slice(new TensorSlice("matrix", 1, 1, 0, 64)).byteSize()).isZero();
      assertThat(file.slice(new TensorSlice("matrix", 0, 3, 32, 32)).byteSize()).isZero();
      assertThat(bytes(file.slice(file.header().tensor("vector").whole())))
          .containsExactly(0, 0, (byte) 0x80, 0x3f);
    }
  }

  @Test
  void refusesSlicesThatAreNotThere() throws Exception {
    try (GgufFile file = GgufFile.open(write())) {
      for (TensorSlice slice :
          List.of(
              new TensorSlice("matrix", 0, 4, 0, 64),
              new TensorSlice("matrix", -1, 2, 0, 64),
              new TensorSlice("matrix", 2, 1, 0, 64),
              new TensorSlice("matrix", 0, 3, 16, 64),
              new TensorSlice("matrix", 0, 3, 0, 96),
              new TensorSlice("none", 0, 3, 0, 64))) {
        assertThatExceptionOfType(CheckpointException.class)
            .isThrownBy(() -> file.slice(slice))
            .withMessageContaining(slice.tensor());
      }
    }
  }

  @Test
  void closesTwice() throws Exception {
    GgufFile file = GgufFile.open(write());
    file.close();
    file.close();
  }

  @Test
  void truncationIsRefusedWithTensorAndByte() throws Exception {
    Path path = write();
    byte[] whole = Files.readAllBytes(path);
    // The last tensor is 4 bytes, then padded to 32.
    Path cut = folder.resolve("cut.gguf");
    for (int missing = 29; missing < whole.length; missing++) {
      Files.write(cut, Arrays.copyOf(whole, whole.length - missing));
      assertThatExceptionOfType(CheckpointException.class)
          .as("%d bytes missing", missing)
          .isThrownBy(() -> GgufFile.open(cut))
          .withMessageContaining("cut.gguf: ")
          .withMessageContaining("byte");
    }
    Files.write(cut, Arrays.copyOf(whole, whole.length - 29));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> GgufFile.open(cut))
        .withMessageContaining("'vector'")
        .withMessageContaining("ends at byte " + (whole.length - 29));
    Files.write(cut, Arrays.copyOf(whole, whole.length - 28));
    GgufFile.open(cut).close();
  }

  private Path write() throws Exception {
    Path path = folder.resolve("model.gguf");
    new GgufWriter()
        .putString("general.architecture", "none")
        .matrix("matrix", TensorType.Q8_0, 3, 64, out -> out.write(matrixBytes()))
        .vector("vector", TensorType.F32, 1, out -> out.write(new byte[] {0, 0, (byte) 0x80, 0x3f}))
        .write(path);
    return path;
  }

  private static byte[] matrixBytes() {
    byte[] bytes = new byte[3 * 2 * 34];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 7);
    }
    return bytes;
  }

  private static byte[] bytes(MemorySegment segment) {
    return segment.toArray(ValueLayout.JAVA_BYTE);
  }
}
