package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.kernel.SlabAllocator;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.MachineSpeed;
import java.lang.foreign.Arena;
import java.util.function.IntToLongFunction;

/**
 * Measures what this machine can do, with the kernels that will do it: 4-bit weights read from
 * memory for one token, fetched as far ahead as is the best here, and a product with many tokens.
 * The best part counts, for the first ones run cold. Takes some tens of milliseconds.
 */
public final class SpeedProbe {

  private static final TensorType TYPE = TensorType.Q4_0;
  private static final int COLUMNS = 4096;
  private static final int ROWS = 16 << 10; // 38 MB: more than most caches
  private static final int PART_ROWS = 256;
  private static final int TOKENS = 64;
  private static final long LIMIT_NANOS = 10_000_000;

  /** However long they take: on a busy machine some are computed without a break. */
  private static final int LEAST_PARTS = 32;

  private SpeedProbe() {}

  /**
   * Measures.
   *
   * @param threads that work at the same time, the caller's included
   */
  public static MachineSpeed measure(Kernels kernels, int threads) {
    try (ThreadTeam team = new ThreadTeam(threads);
        Arena arena = Arena.ofShared()) {
      LeafTree one = new LeafTree(1);
      PackedMatrix weights =
          PackedMatrix.allocate(
              new SlabAllocator(arena), TYPE, ROWS, 0, COLUMNS, COLUMNS, one, one.all());
      weights.segment().fill((byte) 1); // pages that were never written are not read from memory
      ProductTimer timer = new ProductTimer(kernels, team, weights, PART_ROWS, TOKENS, arena);
      FetchProbe.chooseForOne(kernels, timer);
      double rowsOfOne = rowsPerSecond(part -> timer.fromMemory(part, 1));
      double rowsOfMany = rowsPerSecond(_ -> timer.nanos(0, TOKENS));
      return new MachineSpeed(
          rowsOfOne * weights.bytes() / ROWS, rowsOfMany * 2 * COLUMNS * TOKENS);
    }
  }

  /** The best part's speed. */
  private static double rowsPerSecond(IntToLongFunction nanosOfPart) {
    double best = 0;
    long begin = System.nanoTime();
    for (int part = 0; part < LEAST_PARTS || System.nanoTime() - begin < LIMIT_NANOS; part++) {
      best = Math.max(best, PART_ROWS * 1e9 / nanosOfPart.applyAsLong(part));
    }
    return best;
  }
}
