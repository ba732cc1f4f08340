package io.ladon.benchmarks;

import io.ladon.benchmarks.StepBenchmark.Cut;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * What the same bits on any number of ranks cost: a rank's step with sums that are cut as the model
 * says, against the same step with sums that are cut nowhere. The two run in turns, so that a
 * machine that slows down slows both; each round loads both anew, the other one first, so that it
 * is no matter whose weights got the better pages. Prints one line for each number of ranks and
 * kind of step.
 *
 * <p>Arguments: a GGUF file, rounds (default 6), seconds of each round (default 6).
 */
final class ExactnessCost {

  private static final int[] RANKS = {1, 2, 4, 8};
  private static final int DECODE_AT = 127;
  private static final int PREFILL = 512;

  /** Of a round's time, before which nothing counts. */
  private static final double WARM_UP = 0.25;

  private ExactnessCost() {}

  /** Measures and prints. */
  public static void main(String[] args) throws IOException {
    Path model = Path.of(args[0]);
    int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 6;
    double seconds = args.length > 2 ? Double.parseDouble(args[2]) : 6;
    System.out.println(
        "| step | N | exact, ms | cut nowhere, ms | exact costs, median (least to most) of rounds |");
    System.out.println("| --- | --- | --- | --- | --- |");
    for (int tokens : new int[] {1, PREFILL}) {
      for (int ranks : RANKS) {
        measure(model, ranks, tokens, rounds, seconds);
      }
    }
  }

  private static void measure(Path model, int ranks, int tokens, int rounds, double seconds)
      throws IOException {
    double[] exact = new double[rounds];
    double[] free = new double[rounds];
    double[] cost = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      boolean exactFirst = round % 2 == 0;
      Cut first = exactFirst ? Cut.MODEL : Cut.RANK;
      Cut second = exactFirst ? Cut.RANK : Cut.MODEL;
      int start = tokens == 1 ? DECODE_AT : 0;
      try (LoneRank a = new LoneRank(model, ranks, tokens, start, first);
          LoneRank b = new LoneRank(model, ranks, tokens, start, second)) {
        double[] millis = inTurns(a, b, seconds);
        exact[round] = exactFirst ? millis[0] : millis[1];
        free[round] = exactFirst ? millis[1] : millis[0];
        cost[round] = 100 * (exact[round] / free[round] - 1);
      }
    }
    Arrays.sort(cost);
    System.out.printf(
        Locale.ROOT,
        "| %s | %d | %.2f | %.2f | %+.1f %% (%+.1f to %+.1f) |%n",
        tokens == 1 ? "decode" : "prefill of " + tokens,
        ranks,
        median(exact),
        median(free),
        median(cost),
        cost[0],
        cost[rounds - 1]);
  }

  /** Medians of both ranks' steps, in ms. */
  private static double[] inTurns(LoneRank a, LoneRank b, double seconds) {
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < WARM_UP * seconds * 1e9) {
      a.run();
      b.run();
    }
    int most = 1 << 16;
    double[] first = new double[most];
    double[] second = new double[most];
    int count = 0;
    begin = System.nanoTime();
    while (count < most && (count < 3 || System.nanoTime() - begin < seconds * 1e9)) {
      first[count] = a.run().computeNanos() / 1e6;
      second[count] = b.run().computeNanos() / 1e6;
      count++;
    }
    return new double[] {median(Arrays.copyOf(first, count)), median(Arrays.copyOf(second, count))};
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
