package io.ladon.coordinator.sample;

import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.CandidateRequest;
import io.ladon.proto.TokenResult;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** What ranks answer for given logits, computed as the formulas say. */
public final class RankAnswers {

  private RankAnswers() {}

  /** The answers of some ranks that share the vocabulary's tiles as evenly as they can. */
  public static List<TokenResult> of(float[] logits, int ranks, CandidateRequest asked) {
    int tiles = Math.ceilDiv(logits.length, ShardPlan.VOCABULARY_TILE);
    List<TokenResult> parts = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      int begin = Math.min(tiles * r / ranks * ShardPlan.VOCABULARY_TILE, logits.length);
      int end = Math.min(tiles * (r + 1) / ranks * ShardPlan.VOCABULARY_TILE, logits.length);
      parts.add(of(logits, begin, end, 0, 0, asked));
    }
    return parts;
  }

  /**
   * The answer of the rank that owns rows {@code [begin, end)}, to a token of run {@code run}.
   *
   * @param token index in the run
   */
  public static TokenResult of(
      float[] logits, int begin, int end, int run, int token, CandidateRequest asked) {
    TokenResult.Builder part = TokenResult.newBuilder().setRun(run).setToken(token);
    IntStream.range(begin, end)
        .boxed()
        .sorted(Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(i -> i))
        .limit(asked.getCount())
        .forEach(i -> part.addIds(i).addLogits(logits[i]));
    for (int t = begin; t < end; t += ShardPlan.VOCABULARY_TILE) {
      int tileEnd = Math.min(t + ShardPlan.VOCABULARY_TILE, end);
      float max = Float.NEGATIVE_INFINITY;
      for (int i = t; i < tileEnd; i++) {
        max = Math.max(max, logits[i]);
      }
      double sum = 0;
      double scaled = 0;
      for (int i = t; i < tileEnd; i++) {
        sum += Math.exp((double) logits[i] - max);
        scaled += Math.exp(((double) logits[i] - max) / asked.getTemperature());
      }
      part.addTileMax(max);
      if (asked.getSums()) {
        part.addTileSum((float) sum);
      }
      if (asked.getTemperature() != 0) {
        part.addTileSumScaled((float) scaled);
      }
    }
    return part.build();
  }
}
