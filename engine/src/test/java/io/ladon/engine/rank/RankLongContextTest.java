package io.ladon.engine.rank;

import static io.ladon.engine.rank.RankFixtures.FIVE;
import static io.ladon.engine.rank.RankFixtures.assertSame;
import static io.ladon.engine.rank.RankFixtures.randomTokens;
import static io.ladon.engine.rank.RankFixtures.reference;

import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.RankCluster.Setup;
import io.ladon.engine.reference.ReferenceModel.Rounding;
import io.ladon.engine.testing.TinyModels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Sequences of several attention parts give the reference's logits, bit for bit, whether one thread
 * does all the positions of a head or many share them.
 */
class RankLongContextTest {

  private static final int PROMPT = 530;
  private static final int TOKENS = 534;
  private static final int CHUNK = 97;

  /** Not one of the long sequence. */
  private static final int OTHER_BLOCK = 1;

  @TempDir private static Path folder;

  @ParameterizedTest
  @CsvSource({
    "tiny-gemma3, F16, 1, 1",
    "tiny-gemma3, F16, 1, 5",
    "tiny-llama3, F32, 1, 4",
    "tiny-llama3, Q8, 2, 3",
    "tiny-llama-9-heads, F16, 5, 2"
  })
  void everyNumberOfThreadsGivesTheReferencesBits(String name, KvType type, int ranks, int threads)
      throws Exception {
    Path path = new TinyModels(folder).model(name, "q8_0");
    try (GgufFile file = GgufFile.open(path)) {
      ModelSpec spec = ModelSpecs.read(file.header());
      int[] tokens = randomTokens(TOKENS, spec.vocabularySize(), 8);
      float[][] expected = reference(file, spec, tokens, new Rounding(true, type));
      ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(ranks));
      Setup setup = Setup.of(KernelProvider.best()).withKv(type).withThreads(threads);
      try (RankCluster cluster = new RankCluster(plan, file, setup)) {
        int[] blocks = IntStream.range(0, 36).map(i -> i * 23 % 64).toArray();
        for (int start = 0, end; start < TOKENS; start = end) {
          end = start < PROMPT ? Math.min(PROMPT, start + CHUNK) : start + 1;
          // A short sequence goes along with each token of the long one.
          int place = start < PROMPT ? 0 : start - PROMPT;
          Run run = new Run(7, start, end - start, blocks, FIVE);
          Run other = new Run(8, place, 1, new int[] {OTHER_BLOCK}, FIVE);
          int[] own = Arrays.copyOf(Arrays.copyOfRange(tokens, start, end), end - start + 1);
          own[end - start] = tokens[place];
          cluster.run(List.of(run, other), own);
          assertSame(cluster.logits(0), expected[end - 1], end - 1);
          assertSame(cluster.logits(1), expected[place], place);
        }
      }
    }
  }
}
