package io.ladon.engine.rank;

import io.ladon.engine.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Uses the wait for peers: reads the weights that are multiplied next into the CPU's caches, a
 * little at a time. Decoding waits for memory, so what has been read in a wait is time won after
 * it; no value depends on it.
 */
final class ReadAhead implements BooleanSupplier {

  /** Bytes at a time: half a microsecond or so, by which an answer is seen later. */
  private static final int PIECE = 8 << 10;

  /**
   * Bytes in one wait, at most: about what the L2 cache of a core holds. The L3 cache catches what
   * does not fit.
   */
  private static final long MOST = 1 << 20;

  /** In larger steps products wait for arithmetic. */
  private static final int MOST_TOKENS = 16;

  private static final int MATRICES = 3;

  /** Reads bytes of memory: see {@link io.ladon.engine.kernel.Kernels#read}. */
  interface Reader {
    void read(MemorySegment memory, long offset, long bytes);
  }

  private final Reader reader;
  private final @Nullable PackedMatrix[] matrices = new PackedMatrix[MATRICES];
  private int matrix = MATRICES; // at which it is
  private long offset;
  private long left;

  ReadAhead(Reader reader) {
    this.reader = reader;
  }

  /** What is multiplied next, in this order, in a step of so many tokens. */
  void next(
      int tokens,
      @Nullable PackedMatrix first,
      @Nullable PackedMatrix second,
      @Nullable PackedMatrix third) {
    matrices[0] = first;
    matrices[1] = second;
    matrices[2] = third;
    matrix = tokens <= MOST_TOKENS ? 0 : MATRICES;
    offset = 0;
    left = MOST;
  }

  /** Reads the next piece, if there is one. */
  @Override
  public boolean getAsBoolean() {
    while (matrix < MATRICES && left > 0) {
      PackedMatrix at = matrices[matrix];
      MemorySegment weights = at == null ? MemorySegment.NULL : at.segment();
      long bytes = Math.min(PIECE, weights.byteSize() - offset);
      if (bytes > 0) {
        reader.read(weights, offset, bytes);
        offset += bytes;
        left -= bytes;
        return true;
      }
      matrix++;
      offset = 0;
    }
    return false;
  }
}
