package io.ladon.coordinator.draft;

/**
 * What a step of decoding costs by its number of tokens: a straight line through the latest steps,
 * fitted by least squares, older steps counting less. What one more token costs cannot be told
 * while all steps have the same number; a part of the step's time is assumed then. Before the first
 * step nothing costs anything.
 */
public final class StepCosts {

  private static final double KEPT = 0.98; // of what earlier steps count, a step
  private static final double ASSUMED_PART = 0.06; // of a step's time, for one more token
  private static final double ASSUMED_WEIGHT = 0.1; // as much as steps of that variance
  private static final double OUTLIER = 3; // times what was expected counts as that much

  private double weight;
  private double meanTokens;
  private double meanNanos;
  private double variance; // weighted sum of squares of tokens around their mean
  private double covariance;

  /** A step took so long. */
  public void stepped(int tokens, long nanos) {
    double counted =
        weight == 0 ? (double) nanos : Math.min((double) nanos, OUTLIER * ofStep(tokens));
    weight = weight * KEPT + 1;
    double fromMean = tokens - meanTokens;
    meanTokens += fromMean / weight;
    double nanosFromMean = counted - meanNanos;
    meanNanos += nanosFromMean / weight;
    variance = variance * KEPT + fromMean * (tokens - meanTokens);
    covariance = covariance * KEPT + fromMean * (counted - meanNanos);
  }

  /** Nanoseconds of one more token in a step. */
  public double ofToken() {
    double assumed = ASSUMED_PART * meanNanos;
    double fitted = (covariance + ASSUMED_WEIGHT * assumed) / (variance + ASSUMED_WEIGHT);
    return Math.clamp(fitted, 0, meanNanos / Math.max(1, meanTokens));
  }

  /** Nanoseconds of a step of so many tokens. */
  public double ofStep(int tokens) {
    return meanNanos + (tokens - meanTokens) * ofToken();
  }
}
