package io.ladon.coordinator.schedule;

import io.ladon.coordinator.draft.StepCosts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which decoding sequences have how many drafted tokens in a step: each is there because the tokens
 * that it is expected to save a step are worth more time than it costs.
 */
final class Drafting {

  private final int most;
  private final StepCosts costs = new StepCosts();

  /**
   * @param most tokens drafted in one step; 0 for none ever
   */
  Drafting(int most) {
    this.most = most;
  }

  /**
   * Adds drafts to runs of which each decodes one token.
   *
   * @param room tokens that the step may still have
   */
  List<Batch.Entry> extend(List<Batch.Entry> decoding, int room) {
    int wanted = Math.min(most, room);
    if (wanted < 1) {
      return decoding;
    }
    List<Batch.Entry> extended = new ArrayList<>(decoding);
    int[] lengths = lengths(decoding, wanted);
    for (int i = 0; i < lengths.length; i++) {
      if (lengths[i] > 0) {
        Sequence sequence = decoding.get(i).sequence();
        int[] draft = Arrays.copyOf(sequence.draft(), lengths[i]);
        extended.set(i, new Batch.Entry(sequence, 1, true, draft));
      }
    }
    return extended;
  }

  /**
   * Tokens to draft by run: the most probable next one is added as long as its probability, over
   * what it costs, is more than the step's expected tokens over what that costs without it.
   */
  private int[] lengths(List<Batch.Entry> decoding, int wanted) {
    int[] lengths = new int[decoding.size()];
    double[] rate = new double[lengths.length];
    double[] next = new double[lengths.length]; // probability that the next one is of use
    for (int i = 0; i < lengths.length; i++) {
      rate[i] = decoding.get(i).sequence().draft(wanted);
      next[i] = rate[i];
    }
    double expected = lengths.length;
    double nanos = costs.ofStep(lengths.length);
    for (int drafted = 0; drafted < wanted; drafted++) {
      int best = 0;
      for (int i = 1; i < next.length; i++) {
        best = next[i] > next[best] ? i : best;
      }
      if (next[best] == 0 || next[best] * nanos < expected * costs.ofToken()) {
        break;
      }
      expected += next[best];
      nanos += costs.ofToken();
      lengths[best]++;
      next[best] =
          lengths[best] < decoding.get(best).sequence().draft().length
              ? next[best] * rate[best]
              : 0;
    }
    return lengths;
  }

  /** A step in which all decoded, or were tested, took so long. */
  void stepped(int tokens, long nanos) {
    costs.stepped(tokens, nanos);
  }
}
