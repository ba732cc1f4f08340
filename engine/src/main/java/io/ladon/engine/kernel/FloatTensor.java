package io.ladon.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A row-major float32 matrix off heap, aligned to 64 bytes; a row is a token.
 *
 * @param segment rows * columns float32
 */
public record FloatTensor(MemorySegment segment, int rows, int columns) {

  /** Bytes that every off-heap buffer is aligned to: a cache line, and the widest vector. */
  public static final int ALIGNMENT = 64;

  public FloatTensor {
    if (segment.byteSize() < 4L * rows * columns) {
      throw new IllegalArgumentException(
          segment.byteSize() + " bytes are too few for " + rows + " x " + columns + " float32");
    }
  }

  /** A zeroed matrix. */
  public static FloatTensor allocate(Arena arena, int rows, int columns) {
    return new FloatTensor(
        arena.allocate(Math.max(4L, 4L * rows * columns), ALIGNMENT), rows, columns);
  }

  public float get(int row, int column) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * columns + column);
  }

  public void set(int row, int column, float value) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, (long) row * columns + column, value);
  }

  /** A view of the first rows. */
  public FloatTensor firstRows(int count) {
    return new FloatTensor(segment, count, columns);
  }
}
