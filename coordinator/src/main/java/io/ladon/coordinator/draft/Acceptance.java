package io.ladon.coordinator.draft;

/**
 * How often the drafts of one text are right, by how many tokens matched: the part of the drafted
 * tokens that were the next one, of those that were tested (a wrong token leaves those after it
 * untested). Older drafts count less, and with time what is expected of any text counts again, so
 * that a text that was hard to foretell is tried anew.
 */
public final class Acceptance {

  private static final int[] MATCHES_FROM = {PromptLookup.SHORTEST_MATCH, 3, 4, 8};
  private static final double[] EXPECTED = {0.35, 0.5, 0.65, 0.8}; // of any text
  private static final double EXPECTED_WEIGHT = 2; // tested tokens
  private static final double KEPT_A_TESTED_TOKEN = 0.93;
  private static final double KEPT_A_TOKEN = 0.99;

  private final double[] tested = new double[MATCHES_FROM.length];
  private final double[] accepted = new double[MATCHES_FROM.length];

  /** How probable it is that a drafted token is right if those before it are. */
  public double rate(int matched) {
    int i = place(matched);
    return (accepted[i] + EXPECTED_WEIGHT * EXPECTED[i]) / (tested[i] + EXPECTED_WEIGHT);
  }

  /**
   * A draft was tested.
   *
   * @param matched tokens that matched when it was made
   * @param drafted its tokens
   * @param right of them that were the text's next ones
   */
  public void tested(int matched, int drafted, int right) {
    int i = place(matched);
    int count = Math.min(drafted, right + 1);
    double kept = Math.pow(KEPT_A_TESTED_TOKEN, count);
    tested[i] = tested[i] * kept + count;
    accepted[i] = accepted[i] * kept + right;
  }

  /** The text has one more token. */
  public void age() {
    for (int i = 0; i < tested.length; i++) {
      tested[i] *= KEPT_A_TOKEN;
      accepted[i] *= KEPT_A_TOKEN;
    }
  }

  private static int place(int matched) {
    int i = MATCHES_FROM.length - 1;
    while (i > 0 && matched < MATCHES_FROM[i]) {
      i--;
    }
    return i;
  }
}
