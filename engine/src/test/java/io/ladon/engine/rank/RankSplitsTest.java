package io.ladon.engine.rank;

import static io.ladon.engine.rank.RankFixtures.FIVE;
import static io.ladon.engine.rank.RankFixtures.assertLogits;
import static io.ladon.engine.rank.RankFixtures.assertSame;
import static io.ladon.engine.rank.RankFixtures.blocks;
import static io.ladon.engine.rank.RankFixtures.randomTokens;
import static io.ladon.engine.rank.RankFixtures.reference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.Leaves;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.engine.rank.RankCluster.Setup;
import io.ladon.engine.reference.ReferenceModel.Rounding;
import io.ladon.engine.testing.TinyModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Any number of ranks, any split, any chunks and threads: the same bits. */
class RankSplitsTest {

  private static final List<Split> SPLITS = List.of(Split.values());
  private static final int[] RANKS = {1, 2, 3, 4, 5, 9};
  private static final int[] CHUNKS = {40, 7, 1, 33, 16};
  private static final int[] CUTS = {ShardPlan.CUT_FROM, 1, 3};

  @TempDir private static Path folder;

  static List<Arguments> models() {
    List<Arguments> models = new ArrayList<>();
    for (String name : TinyModels.names()) {
      models.add(Arguments.of(name, "q4_k_m"));
      models.add(Arguments.of(name, "f32"));
    }
    return models;
  }

  /** Each split of the one projection with each of the other, in turn over the numbers of ranks. */
  @ParameterizedTest
  @MethodSource("models")
  void everyNumberOfRanksGivesTheSameBits(String name, String type) throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(name, type))) {
      ModelSpec spec = ModelSpecs.read(file.header());
      int[] tokens = randomTokens(40, spec.vocabularySize(), 4);
      float[][] expected = reference(file, spec, tokens, new Rounding(true, KvType.F32));
      int turn = 0;
      for (int ranks : RANKS) {
        for (int i = 0; i < 3 && ranks <= spec.queryHeads(); i++) {
          Split output = SPLITS.get(i);
          Split down = SPLITS.get((i + ranks) % 3);
          if (output == Split.COLUMNS && !ShardPlan.offersOutputColumns(spec, ranks)) {
            output = Split.ROWS;
          }
          PlanOptions options = new PlanOptions(ranks, List.of(), output, down);
          run(file, spec, options, tokens, expected, turn++);
        }
      }
    }
  }

  @Test
  void unevenRanksAndRanksThatOwnNothingGiveTheSameBits() throws Exception {
    String name = "tiny-llama-9-heads";
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model(name, "q5_1"))) {
      ModelSpec spec = ModelSpecs.read(file.header());
      int[] tokens = randomTokens(40, spec.vocabularySize(), 5);
      float[][] expected = reference(file, spec, tokens, new Rounding(true, KvType.F32));
      int turn = 0;
      for (List<Double> shares :
          List.of(
              List.of(5.0, 1.0),
              List.of(1.0, 100.0, 1.0),
              List.of(0.01, 3.0, 0.01, 2.0),
              List.of(1.0, 9.0, 1.0, 1.0, 1.0, 1.0, 2.0))) {
        for (Split split : SPLITS) {
          Split output = split;
          if (split == Split.COLUMNS && !ShardPlan.offersOutputColumns(spec, shares.size())) {
            output = Split.WHOLE;
          }
          PlanOptions options = new PlanOptions(shares.size(), shares, output, split);
          run(file, spec, options, tokens, expected, turn++);
        }
      }
    }
  }

  /** What measurements of the leaves' cost rest on. */
  @Test
  void otherLeavesGiveOtherBitsButTheSameOnAnyNumberOfRanks() throws Exception {
    try (GgufFile file = GgufFile.open(new TinyModels(folder).model("tiny-llama", "q4_0"))) {
      ModelSpec spec = ModelSpecs.read(file.header());
      int[] tokens = randomTokens(20, spec.vocabularySize(), 6);
      Leaves coarse = new Leaves(2, 384);
      float[] one = logits(file, ShardPlan.of(spec, PlanOptions.of(1), coarse), tokens);
      PlanOptions two = new PlanOptions(2, List.of(), Split.COLUMNS, Split.COLUMNS);
      assertSame(logits(file, ShardPlan.of(spec, two, coarse), tokens), one, tokens.length - 1);
      float[] usual = logits(file, ShardPlan.of(spec, PlanOptions.of(1)), tokens);
      assertThat(one).isNotEqualTo(usual);
      assertThat(one).containsExactly(usual, offset(1e-3f));
    }
  }

  private static float[] logits(GgufFile file, ShardPlan plan, int[] tokens) throws Exception {
    try (RankCluster cluster = new RankCluster(plan, file, Setup.of(KernelProvider.best()))) {
      Run run = new Run(7, 0, tokens.length, blocks(1, tokens.length), FIVE);
      cluster.run(List.of(run), tokens);
      return cluster.logits(0);
    }
  }

  private static void run(
      GgufFile file,
      ModelSpec spec,
      PlanOptions options,
      int[] tokens,
      float[][] expected,
      int turn)
      throws Exception {
    Setup setup =
        Setup.of(KernelProvider.best())
            .withThreads(1 + turn % 3)
            .withCutFrom(CUTS[turn % CUTS.length]);
    try (RankCluster cluster = new RankCluster(ShardPlan.of(spec, options), file, setup)) {
      assertLogits(cluster, tokens, CHUNKS[turn % CHUNKS.length], expected);
    } catch (AssertionError e) {
      throw new AssertionError(options + ", turn " + turn, e);
    }
  }
}
