package io.ladon.cli.bench;

import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * The prompts of a measurement.
 *
 * @param tokens of a prompt that is prefilled
 * @param context tokens of one from which decoding is timed
 * @param ofTokens gives token ids of a prompt of so many; of one thread
 */
public record Prompts(int tokens, int context, IntFunction<int[]> ofTokens) {

  /** Token ids below this are often control tokens. */
  private static final int FIRST_ID = 300;

  /** Random tokens, others in each prompt. */
  public static Prompts random(int tokens, int context, int vocabulary) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
    int lowest = Math.min(FIRST_ID, vocabulary / 2);
    return new Prompts(tokens, context, n -> random.ints(n, lowest, vocabulary).toArray());
  }

  /** One text, always the same. */
  public static Prompts text(int[] ids) {
    return new Prompts(ids.length, ids.length, n -> ids);
  }
}
