package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.kernel.SlabAllocator;
import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;

/**
 * Measures what this machine can do, with the kernels that will do it: 4-bit weights read from
 * memory for one token, and a product with many tokens. The best part counts, for the first ones
 * run cold. Before that it lets the kernels fetch weights of each kind as far ahead as is the best
 * here. Takes about a tenth of a second.
 *
 * <p>Weights of a model come from memory, but those here might come from a cache that is larger
 * than they are, which some servers have; so they are taken out of it before they are read.
 */
public final class SpeedProbe {

  private static final int COLUMNS = 4096;
  private static final int ROWS = 16 << 10; // 38 MB: more than most caches
  private static final int PART_ROWS = 256;
  private static final int TOKENS = 64;
  private static final long LIMIT_NANOS = 10_000_000;

  /** However long they take: on a busy machine some are computed without a break. */
  private static final int LEAST_PARTS = 32;

  /** Of each distance of fetching ahead, before what counts begins: some 20 ms in all. */
  private static final int COLD_ROUNDS = 6;

  private static final int ROUNDS = 40;

  /** What stands for all types of super-blocks; another one stands for all others. */
  public static final TensorType SUPER_BLOCKS = TensorType.Q4_K;

  public static final TensorType BLOCKS = TensorType.Q4_0;

  /** What stands for all numbers of tokens from three on; with some four times as much to do. */
  public static final int MORE_TOKENS = 4;

  private static final int ROUNDS_OF_MORE = 16;

  private final Kernels kernels;
  private final ThreadTeam team;
  private final PackedMatrix weights;
  private final Rows input;
  private final FloatTensor[] result;
  private final IntRangeTask task = this::multiply;
  private int firstRow;
  private int tokens;

  private SpeedProbe(Kernels kernels, ThreadTeam team, Arena arena, TensorType type) {
    this.kernels = kernels;
    this.team = team;
    LeafTree one = new LeafTree(1);
    this.weights =
        PackedMatrix.allocate(
            new SlabAllocator(arena), type, ROWS, 0, COLUMNS, COLUMNS, one, one.all());
    weights.segment().fill((byte) 1); // pages that were never written are not read from memory
    this.input = Rows.allocate(arena, TOKENS, COLUMNS);
    this.result = new FloatTensor[] {FloatTensor.allocate(arena, TOKENS, ROWS)};
  }

  /**
   * Measures.
   *
   * @param threads that work at the same time, the caller's included
   */
  public static MachineSpeed measure(Kernels kernels, int threads) {
    try (ThreadTeam team = new ThreadTeam(threads)) {
      if (!kernels.fetchDistances().isEmpty()) {
        try (Arena arena = Arena.ofShared()) {
          new SpeedProbe(kernels, team, arena, SUPER_BLOCKS).chooseFetchDistances();
        }
      }
      try (Arena arena = Arena.ofShared()) {
        SpeedProbe probe = new SpeedProbe(kernels, team, arena, BLOCKS);
        probe.chooseFetchDistances();
        double rowsOfOne = probe.rowsPerSecond(1, ROWS);
        double rowsOfMany = probe.rowsPerSecond(TOKENS, PART_ROWS);
        return new MachineSpeed(
            rowsOfOne * probe.weights.bytes() / ROWS, rowsOfMany * 2 * COLUMNS * TOKENS);
      }
    }
  }

  private void chooseFetchDistances() {
    List<FetchDistance> distances = kernels.fetchDistances();
    if (!distances.isEmpty()) {
      chooseFetchDistance(distances, 1, ROUNDS);
      chooseFetchDistance(distances, MORE_TOKENS, ROUNDS_OF_MORE);
    }
  }

  /** In turns, as what else the machine does changes: the least median counts. */
  private void chooseFetchDistance(List<FetchDistance> distances, int count, int rounds) {
    tokens = count;
    long[][] nanos = new long[distances.size()][rounds];
    int part = 0;
    for (int round = -COLD_ROUNDS; round < rounds; round++) {
      for (int i = 0; i < distances.size(); i++) {
        kernels.fetchAhead(weights.type(), tokens, distances.get(i));
        long taken = nanosOfPart(part++, ROWS);
        if (round >= 0) {
          nanos[i][round] = taken;
        }
      }
    }
    int best = 0;
    for (int i = 0; i < nanos.length; i++) {
      Arrays.sort(nanos[i]);
      if (nanos[i][rounds / 2] < nanos[best][rounds / 2]) {
        best = i;
      }
    }
    kernels.fetchAhead(weights.type(), tokens, distances.get(best));
  }

  /** The best part's speed; the parts are rows of the first {@code rows}, again and again. */
  private double rowsPerSecond(int count, int rows) {
    tokens = count;
    double best = 0;
    long begin = System.nanoTime();
    for (int part = 0; part < LEAST_PARTS || System.nanoTime() - begin < LIMIT_NANOS; part++) {
      best = Math.max(best, PART_ROWS * 1e9 / nanosOfPart(part, rows));
    }
    return best;
  }

  /** How long a part takes, at least 1 ns; with few tokens its weights come from memory. */
  private long nanosOfPart(int part, int rows) {
    firstRow = part * PART_ROWS % rows;
    if (tokens < TOKENS) {
      long rowBytes = weights.bytes() / ROWS;
      kernels.evict(weights.segment(), firstRow * rowBytes, PART_ROWS * rowBytes);
    }
    long begin = System.nanoTime();
    team.run(PART_ROWS / ShardPlan.ROW_BLOCK, task);
    return Math.max(1, System.nanoTime() - begin);
  }

  private void multiply(int thread, int begin, int end) {
    int first = firstRow / ShardPlan.ROW_BLOCK;
    Multiplication.multiply(kernels, weights, first + begin, first + end, input, tokens, result, 0);
  }
}
