package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.memory.NativeMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads memory as quickly as the CPU can and does nothing with it: what a kernel that waits for
 * memory is measured against. Needs AVX. Several threads may read at once.
 */
public final class MemoryReader implements AutoCloseable {

  /** Bytes of which it reads a multiple. */
  static final int ROUND_BYTES = 256;

  private final CodeLoop loop;

  /**
   * @param ahead how far ahead it fetches, or {@link FetchDistance#NONE}
   * @throws IOException if the system refuses executable memory
   */
  public MemoryReader(FetchDistance ahead) throws IOException {
    loop = new CodeLoop(a -> emitRound(a, ahead));
  }

  /** Not fetching ahead, and how far the kernels may do it: the quickest is the machine's limit. */
  public static List<FetchDistance> distances() {
    List<FetchDistance> distances = new ArrayList<>(ProductFunctions.FETCH_DISTANCES);
    distances.addFirst(FetchDistance.NONE);
    return distances;
  }

  /** The body of a {@link CodeLoop}. */
  static void emitRound(Assembler a, FetchDistance ahead) {
    for (int line = 0; line < ROUND_BYTES; line += 64) {
      if (!ahead.equals(FetchDistance.NONE)) {
        a.prefetcht0(at(CodeLoop.ADDRESS, line + ahead.nearBytes()));
        a.prefetcht1(at(CodeLoop.ADDRESS, line + ahead.farBytes()));
      }
      a.vmovups(ymm(line / 32), at(CodeLoop.ADDRESS, line));
      a.vmovups(ymm(line / 32 + 1), at(CodeLoop.ADDRESS, line + 32));
    }
    a.add(CodeLoop.ADDRESS, ROUND_BYTES);
  }

  /**
   * Reads all of it.
   *
   * @param memory off heap, a multiple of 256 bytes
   */
  public void read(MemorySegment memory) {
    long bytes = memory.byteSize();
    if (bytes == 0 || bytes % ROUND_BYTES != 0) {
      throw new IllegalArgumentException(
          "%d bytes, which is no multiple of %d".formatted(bytes, ROUND_BYTES));
    }
    loop.run(bytes / ROUND_BYTES, NativeMemory.address(memory, 0, bytes));
  }

  @Override
  public void close() {
    loop.close();
  }
}
