package io.ladon.cli.bench;

import java.util.Arrays;

/** Median and extremes of repeated measurements. */
public record Spread(double median, double min, double max) {

  /**
   * @throws IllegalArgumentException if there are no values
   */
  public static Spread of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("nothing was measured");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    double median = sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return new Spread(median, sorted[0], sorted[sorted.length - 1]);
  }

  @Override
  public String toString() {
    return "%.1f (%.1f to %.1f)".formatted(median, min, max);
  }
}
