package io.ladon.engine.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A GGUF file on disk, mapped into memory: only what is asked for is read. Closing it unmaps it;
 * views that {@link #slice} gave are void then.
 */
public final class GgufFile implements SliceSource, Closeable {

  private final Path path;
  private final Arena arena;
  private final MemorySegment file;
  private final GgufHeader header;

  private GgufFile(Path path, Arena arena, MemorySegment file, GgufHeader header) {
    this.path = path;
    this.arena = arena;
    this.file = file;
    this.header = header;
  }

  /**
   * Maps a file and parses its header.
   *
   * @throws CheckpointException naming file, key or tensor, and byte, if it is truncated,
   *     inconsistent or unsupported
   * @throws IOException if it cannot be read
   */
  @SuppressWarnings("MustBeClosedChecker") // the arena is closed by close()
  public static GgufFile open(Path path) throws IOException {
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment file =
          channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena).asReadOnly();
      GgufHeader header = GgufHeader.parse(file);
      checkTensorsInside(header, file.byteSize());
      return new GgufFile(path, arena, file, header);
    } catch (CheckpointException e) {
      arena.close();
      throw new CheckpointException(path + ": " + e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  public Path path() {
    return path;
  }

  public GgufHeader header() {
    return header;
  }

  /** Bytes of the file. */
  public long bytes() {
    return file.byteSize();
  }

  /** A view of the file if the slice has whole rows, otherwise a copy that closing leaves be. */
  @Override
  public MemorySegment slice(TensorSlice slice) throws CheckpointException {
    TensorInfo tensor = header.tensor(slice.tensor());
    check(tensor, slice);
    long rowBytes = tensor.rowBytes();
    long start = header.dataOffset() + tensor.offset() + slice.rowBegin() * rowBytes;
    if (slice.columns() == tensor.columns()) {
      return file.asSlice(start, slice.rows() * rowBytes);
    }
    long skip = tensor.type().bytesFor(slice.columnBegin());
    long keep = tensor.type().bytesFor(slice.columns());
    MemorySegment dense = Arena.ofAuto().allocate(Math.max(1, slice.rows() * keep), 64);
    for (int row = 0; row < slice.rows(); row++) {
      MemorySegment.copy(file, start + row * rowBytes + skip, dense, row * keep, keep);
    }
    return dense.asSlice(0, slice.rows() * keep).asReadOnly();
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private static void check(TensorInfo tensor, TensorSlice slice) throws CheckpointException {
    int block = tensor.type().blockElements();
    if (slice.rowBegin() < 0
        || slice.rowBegin() > slice.rowEnd()
        || slice.rowEnd() > tensor.rows()
        || slice.columnBegin() < 0
        || slice.columnBegin() > slice.columnEnd()
        || slice.columnEnd() > tensor.columns()
        || slice.columnBegin() % block != 0
        || slice.columnEnd() % block != 0) {
      throw new CheckpointException(
          "no such slice: %s of %s, a %s tensor of %d x %d in blocks of %d"
              .formatted(
                  slice, tensor.name(), tensor.type(), tensor.rows(), tensor.columns(), block));
    }
  }

  private static void checkTensorsInside(GgufHeader header, long fileBytes)
      throws CheckpointException {
    for (TensorInfo tensor : header.tensors().values()) {
      long begin = header.dataOffset() + tensor.offset();
      if (begin + tensor.bytes() > fileBytes) {
        throw new CheckpointException(
            "truncated: tensor '%s' takes bytes %d to %d, but the file ends at byte %d"
                .formatted(tensor.name(), begin, begin + tensor.bytes(), fileBytes));
      }
    }
  }
}
