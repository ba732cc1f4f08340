package io.ladon.realmodel;

/** What one reads off the logits of the whole vocabulary. */
final class Logits {

  private Logits() {}

  /** The first of the largest. */
  static int best(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  /** What to take off a logit to get the log-probability. */
  static double logSumExp(float[] logits) {
    double max = logits[best(logits)];
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return max + Math.log(sum);
  }
}
