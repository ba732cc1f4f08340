package io.ladon.coordinator.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.TensorSlice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SliceChecksumsTest {

  private static final TensorSlice SLICE = new TensorSlice("blk.0.attn q.weight", 1, 2, 32, 64);

  /** CRC-32C of these bytes, as in RFC 3720, B.4 of "123456789". */
  private static final MemorySegment BYTES =
      MemorySegment.ofArray("123456789".getBytes(StandardCharsets.US_ASCII));

  private static final int CHECKSUM = 0xE3069283;

  private static final MemorySegment OTHER = MemorySegment.ofArray(new byte[] {1});

  @TempDir Path folder;
  private Path checkpoint = Path.of("");

  @BeforeEach
  void writeCheckpoint() throws IOException {
    checkpoint = Files.writeString(folder.resolve("model.gguf"), "weights");
  }

  private SliceChecksums open() throws IOException {
    return SliceChecksums.of(folder.resolve("checksums"), checkpoint, "abc");
  }

  @Test
  void areComputedOnce() {
    SliceChecksums checksums = SliceChecksums.inMemory();
    assertThat(checksums.of(SLICE, BYTES)).isEqualTo(CHECKSUM);
    assertThat(checksums.of(SLICE, OTHER)).isEqualTo(CHECKSUM);
    checksums.keep();
  }

  @Test
  void areThereAtTheNextStart() throws IOException {
    SliceChecksums first = open();
    first.of(SLICE, BYTES);
    first.keep();
    assertThat(open().of(SLICE, OTHER)).isEqualTo(CHECKSUM);
    assertThat(folder.resolve("checksums")).isDirectoryContaining("glob:**/abc");
    try (var files = Files.list(folder.resolve("checksums"))) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void areComputedAnewForACheckpointThatHasChanged() throws IOException {
    SliceChecksums first = open();
    first.of(SLICE, OTHER);
    first.keep();
    Files.setLastModifiedTime(checkpoint, FileTime.from(Instant.EPOCH));
    SliceChecksums second = open();
    assertThat(second.of(SLICE, BYTES)).isEqualTo(CHECKSUM);
    second.keep();
    assertThat(open().of(SLICE, OTHER)).isEqualTo(CHECKSUM);
  }

  @Test
  void areComputedAnewWhereTheirFileIsDamaged() throws IOException {
    SliceChecksums first = open();
    first.of(SLICE, OTHER);
    first.keep();
    Path file = folder.resolve("checksums/abc");
    Files.writeString(file, Files.readString(file).replace(" 32 64 ", " 32 x64 "));
    assertThat(open().of(SLICE, BYTES)).isEqualTo(CHECKSUM);
  }

  @Test
  void aFolderThatCannotBeMadeIsNoObstacle() throws IOException {
    SliceChecksums checksums = SliceChecksums.of(checkpoint.resolve("sub"), checkpoint, "abc");
    assertThat(checksums.of(SLICE, BYTES)).isEqualTo(CHECKSUM);
    checksums.keep();
    assertThat(checksums.of(SLICE, OTHER)).isEqualTo(CHECKSUM);
  }
}
