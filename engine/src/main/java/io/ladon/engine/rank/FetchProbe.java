package io.ladon.engine.rank;

import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.memory.FetchDistance;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;

/**
 * Lets the kernels fetch weights as far ahead as is the best here, which they find out by trying.
 * It differs from CPU to CPU and between types of weights, one of which may be read most quickly
 * with what is another's worst; and it depends on how many tokens there are.
 */
public final class FetchProbe {

  /** What stands for all numbers of tokens from three on. */
  public static final int MORE_TOKENS = 4;

  /** Bytes of weights in one try: more than a core's own caches keep. */
  private static final int PART_BYTES = 640 << 10;

  /** Of each distance, before what counts begins. */
  private static final int COLD_ROUNDS = 4;

  private static final int ROUNDS = 28;
  private static final int ROUNDS_OF_MORE = 14;

  /** However long they take. */
  private static final int LEAST_ROUNDS = 6;

  /** For one choice; on a quiet machine a quarter of it is enough. */
  private static final long LIMIT_NANOS = 40_000_000;

  /**
   * Share of its time that a distance must save to be taken instead of one before it in the list:
   * less than this is found by chance, too.
   */
  private static final double GAIN = 0.03;

  private FetchProbe() {}

  /**
   * Chooses for every type of a shard's weights, each with its largest matrix. Takes some 15 ms a
   * type.
   */
  public static void choose(Kernels kernels, ThreadTeam team, ShardWeights weights) {
    if (kernels.fetchDistances().isEmpty()) {
      return;
    }
    for (PackedMatrix largest : weights.largestOfTypes().values()) {
      long rowBytes = Math.max(1, largest.bytes() / Math.max(1, largest.rows()));
      int partRows = (int) (PART_BYTES / rowBytes);
      try (Arena arena = Arena.ofShared()) {
        ProductTimer timer = new ProductTimer(kernels, team, largest, partRows, MORE_TOKENS, arena);
        choose(kernels, timer, 1, ROUNDS);
        choose(kernels, timer, MORE_TOKENS, ROUNDS_OF_MORE);
      }
    }
  }

  /** Chooses for one token and the type of a timer's weights. */
  static void chooseForOne(Kernels kernels, ProductTimer timer) {
    if (!kernels.fetchDistances().isEmpty()) {
      choose(kernels, timer, 1, ROUNDS);
    }
  }

  /** In turns, as what else the machine does changes: the least median counts. */
  private static void choose(Kernels kernels, ProductTimer timer, int tokens, int mostRounds) {
    List<FetchDistance> distances = kernels.fetchDistances();
    long[][] nanos = new long[distances.size()][mostRounds];
    long begin = System.nanoTime();
    int part = 0;
    int rounds = 0;
    for (int round = -COLD_ROUNDS; round < mostRounds; round++) {
      if (rounds >= LEAST_ROUNDS && System.nanoTime() - begin > LIMIT_NANOS) {
        break;
      }
      for (int i = 0; i < distances.size(); i++) {
        kernels.fetchAhead(timer.weights().type(), tokens, distances.get(i));
        long taken = timer.fromMemory(part++, tokens);
        if (round >= 0) {
          nanos[i][round] = taken;
          rounds = round + 1;
        }
      }
    }
    int best = 0;
    for (int i = 0; i < nanos.length; i++) {
      Arrays.sort(nanos[i], 0, rounds);
      if (nanos[i][rounds / 2] < nanos[best][rounds / 2] * (1 - GAIN)) {
        best = i;
      }
    }
    kernels.fetchAhead(timer.weights().type(), tokens, distances.get(best));
  }
}
