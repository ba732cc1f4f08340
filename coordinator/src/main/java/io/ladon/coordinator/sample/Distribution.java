package io.ladon.coordinator.sample;

import io.ladon.coordinator.generate.TokenLogprob;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.CandidateRequest;
import io.ladon.proto.TokenResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What is known of the logits after one run: the best candidates in order, and the sums over the
 * whole vocabulary. It is put together from the ranks' answers in rank order and by vocabulary
 * tile, which are a property of the model: so it is the same for any number of ranks.
 *
 * <p>Candidates stand in the order of descending logit, then ascending id. Sums are in double, with
 * {@link StrictMath}: {@code sum = Σ over tiles of tileSum * exp(tileMax - max)}, and {@code
 * scaledSum} the same with every exponent divided by the temperature. Those that were not asked for
 * are not known.
 */
public final class Distribution {

  private final int[] ids;
  private final float[] logits;
  private final boolean complete;
  private final float max;
  private final CandidateRequest asked;
  private final List<TokenResult> parts;
  private double sum; // of the weights at temperature 1; 0 until it is asked for

  private Distribution(
      int[] ids,
      float[] logits,
      boolean complete,
      float max,
      CandidateRequest asked,
      List<TokenResult> parts) {
    this.ids = ids;
    this.logits = logits;
    this.complete = complete;
    this.max = max;
    this.asked = asked;
    this.parts = parts;
  }

  /**
   * Merges what the ranks say of one run.
   *
   * @param parts by rank
   * @param asked of each rank; as many candidates are kept, so that the outcome does not depend on
   *     how many ranks were asked
   * @throws IllegalArgumentException if the parts do not make up a vocabulary, or logits are not
   *     numbers
   */
  public static Distribution merge(
      List<TokenResult> parts, CandidateRequest asked, int vocabularySize) {
    int kept = Math.min(asked.getCount(), vocabularySize);
    int[] ids = new int[kept];
    float[] logits = new float[kept];
    int[] next = new int[parts.size()];
    for (int i = 0; i < kept; i++) {
      int from = best(parts, next);
      if (from < 0) {
        throw new IllegalArgumentException(
            "the ranks name %d candidates, %d were asked of each".formatted(i, kept));
      }
      ids[i] = parts.get(from).getIds(next[from]);
      logits[i] = parts.get(from).getLogits(next[from]);
      next[from]++;
    }
    float max = maximum(parts, vocabularySize);
    if (!areFinite(parts)
        || (asked.getSums() && !areSums(parts, false))
        || (asked.getTemperature() != 0 && !areSums(parts, true))) {
      throw new IllegalArgumentException("the model's logits are not numbers");
    }
    return new Distribution(ids, logits, kept == vocabularySize, max, asked, parts);
  }

  /** Whether the tiles' largest logits are numbers: then there is no NaN among the others. */
  private static boolean areFinite(List<TokenResult> parts) {
    for (TokenResult part : parts) {
      for (int t = 0; t < part.getTileMaxCount(); t++) {
        if (!Float.isFinite(part.getTileMax(t))) {
          return false;
        }
      }
    }
    return true;
  }

  private static float tileSum(TokenResult part, int tile, boolean scaled) {
    return scaled ? part.getTileSumScaled(tile) : part.getTileSum(tile);
  }

  /** Whether the tiles' sums of exponentials are such. */
  private static boolean areSums(List<TokenResult> parts, boolean scaled) {
    for (TokenResult part : parts) {
      for (int t = 0; t < part.getTileMaxCount(); t++) {
        float sum = tileSum(part, t, scaled);
        if (!(sum > 0) || Float.isInfinite(sum)) {
          return false;
        }
      }
    }
    return true;
  }

  /** The rank whose next candidate is the best, the lowest at ties; -1 if none has any. */
  private static int best(List<TokenResult> parts, int[] next) {
    int best = -1;
    for (int r = 0; r < parts.size(); r++) {
      TokenResult part = parts.get(r);
      if (next[r] < part.getIdsCount()
          && (best < 0 || part.getLogits(next[r]) > parts.get(best).getLogits(next[best]))) {
        best = r;
      }
    }
    return best;
  }

  private static float maximum(List<TokenResult> parts, int vocabularySize) {
    float max = Float.NEGATIVE_INFINITY;
    int tiles = 0;
    for (TokenResult part : parts) {
      for (int t = 0; t < part.getTileMaxCount(); t++) {
        max = Math.max(max, part.getTileMax(t));
      }
      tiles += part.getTileMaxCount();
    }
    int expected = Math.ceilDiv(vocabularySize, ShardPlan.VOCABULARY_TILE);
    if (tiles != expected) {
      throw new IllegalArgumentException(
          "the ranks name %d vocabulary tiles, the model has %d".formatted(tiles, expected));
    }
    return max;
  }

  /** Sum of the weights of all tokens; an exponential a tile, so not for who can do without. */
  private double total(double atTemperature, boolean scaled) {
    double total = 0;
    for (TokenResult part : parts) {
      for (int t = 0; t < part.getTileMaxCount(); t++) {
        total +=
            tileSum(part, t, scaled)
                * StrictMath.exp(((double) part.getTileMax(t) - max) / atTemperature);
      }
    }
    return total;
  }

  /**
   * The same with every logit of the vocabulary as a candidate.
   *
   * @param all by token id
   */
  public Distribution withAll(float[] all) {
    long[] keys = new long[all.length];
    for (int id = 0; id < all.length; id++) {
      // Ascending order of keys is descending order of logits, then ascending order of ids.
      // Adding zero makes -0 and 0 the same.
      int bits = Float.floatToIntBits(all[id] + 0f);
      int ascending = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
      keys[id] = ((long) ~ascending << Integer.SIZE) | id;
    }
    Arrays.sort(keys);
    int[] sortedIds = new int[all.length];
    float[] sortedLogits = new float[all.length];
    for (int i = 0; i < all.length; i++) {
      sortedIds[i] = (int) keys[i];
      sortedLogits[i] = all[sortedIds[i]];
    }
    return new Distribution(sortedIds, sortedLogits, true, max, asked, parts);
  }

  /** Candidates at hand. */
  public int size() {
    return ids.length;
  }

  /** Whether every token is a candidate. */
  public boolean complete() {
    return complete;
  }

  /** Token id of a candidate; 0 is the best. */
  public int id(int candidate) {
    return ids[candidate];
  }

  /** Logit of a candidate. */
  public float logit(int candidate) {
    return logits[candidate];
  }

  /** exp((logit - max) / temperature) of a candidate. */
  double weight(int candidate, double temperature) {
    return StrictMath.exp(((double) logits[candidate] - max) / temperature);
  }

  /** Sum of the weights of all tokens, at the temperature that was asked for; else at 1. */
  double scaledSum() {
    return asked.getTemperature() != 0 ? total(asked.getTemperature(), true) : sum();
  }

  private double sum() {
    if (sum == 0) {
      sum = total(1, false);
    }
    return sum;
  }

  /** Natural logarithm of a candidate's probability at temperature 1. */
  public double logprob(int candidate) {
    return (double) logits[candidate] - max - StrictMath.log(sum());
  }

  /** The best candidates with their log-probabilities at temperature 1. */
  public List<TokenLogprob> top(int count) {
    List<TokenLogprob> top = new ArrayList<>();
    for (int i = 0; i < Math.min(count, ids.length); i++) {
      top.add(new TokenLogprob(ids[i], logprob(i)));
    }
    return top;
  }
}
