package io.ladon.engine.rank;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.engine.reference.ReferenceModel;
import io.ladon.engine.reference.ReferenceModel.Rounding;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Token sequences, block tables, and what the reference says to them. */
final class RankFixtures {

  static final CandidateRequest FIVE = new CandidateRequest(5, 0.7f);

  private RankFixtures() {}

  /** The same of some more of the last tokens. */
  static CandidateRequest asksFor(int tokens) {
    return new CandidateRequest(tokens, FIVE.count(), FIVE.sums(), FIVE.temperature());
  }

  static int[] randomTokens(int count, int vocabulary, long seed) {
    return new Random(seed).ints(count, 0, vocabulary).toArray();
  }

  /** Scattered blocks; other sequences of up to 8 blocks do not overlap with them. */
  static int[] blocks(int sequence, int positions) {
    int[] blocks = new int[(positions + 15) / 16];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = (sequence * 8 + i) * 37 % 64;
    }
    return blocks;
  }

  /** Logits after each token. */
  static float[][] reference(GgufFile file, ModelSpec spec, int[] tokens, Rounding rounding)
      throws IOException {
    ReferenceModel model = new ReferenceModel(spec, file.header(), file, rounding);
    float[][] logits = new float[tokens.length][];
    for (int t = 0; t < tokens.length; t++) {
      logits[t] = model.logits(tokens[t]);
    }
    return logits;
  }

  /** Reads a sequence in chunks; after each, the logits must have the expected bits. */
  static void assertLogits(RankCluster cluster, int[] tokens, int chunk, float[][] expected)
      throws Exception {
    int[] blocks = blocks(1, tokens.length);
    for (int start = 0; start < tokens.length; start += chunk) {
      int end = Math.min(tokens.length, start + chunk);
      Run run = new Run(7, start, end - start, blocks, FIVE);
      cluster.run(List.of(run), Arrays.copyOfRange(tokens, start, end));
      assertSame(cluster.logits(0), expected[end - 1], end - 1);
    }
  }

  /** Compares bit for bit. */
  static void assertSame(float[] actual, float[] expected, int position) {
    int at = Arrays.mismatch(actual, expected);
    if (at >= 0) {
      assertThat(actual[at]).as("logit %d after position %d", at, position).isEqualTo(expected[at]);
    }
    assertThat(actual).hasSameSizeAs(expected);
  }
}
