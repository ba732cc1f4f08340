package io.ladon.engine.rank;

import static io.ladon.engine.rank.RankFixtures.FIVE;
import static io.ladon.engine.rank.RankFixtures.asksFor;
import static io.ladon.engine.rank.RankFixtures.assertSame;
import static io.ladon.engine.rank.RankFixtures.blocks;
import static io.ladon.engine.rank.RankFixtures.randomTokens;
import static io.ladon.engine.rank.RankFixtures.reference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangeException;
import io.ladon.engine.exchange.InProcessExchange;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.RankCluster.Setup;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.engine.rank.StepResult.TokenResult;
import io.ladon.engine.reference.ReferenceModel.Rounding;
import io.ladon.engine.testing.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several sequences in one step, what a step gives back, and steps that are refused. */
class RankBatchTest {

  @TempDir private static Path folder;

  private GgufFile file;
  private ModelSpec spec;

  @BeforeEach
  void open() throws IOException {
    file = GgufFile.open(new TinyModels(folder).model("tiny-gemma3", "q4_0"));
    spec = ModelSpecs.read(file.header());
  }

  @AfterEach
  void close() {
    file.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1,16", "2,2,16", "3,1,2", "4,1,1"})
  void companionsInTheBatchChangeNoBit(int ranks, int threads, int cutFrom) throws Exception {
    int sequences = 4;
    int[][] tokens = new int[sequences][];
    float[][][] expected = new float[sequences][][];
    for (int s = 0; s < sequences; s++) {
      tokens[s] = randomTokens(20 + 15 * s, spec.vocabularySize(), s);
      expected[s] = reference(file, spec, tokens[s], new Rounding(true, KvType.F32));
    }
    ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(ranks));
    Setup setup = Setup.of(KernelProvider.best()).withThreads(threads).withCutFrom(cutFrom);
    try (RankCluster cluster = new RankCluster(plan, file, setup)) {
      Random random = new Random(ranks);
      int[] done = new int[sequences];
      while (IntStream.range(0, sequences).anyMatch(s -> done[s] < tokens[s].length)) {
        step(cluster, random, tokens, expected, done);
      }
    }
  }

  /** A step over some tokens of some sequences, in any order; some ask for nothing. */
  private static void step(
      RankCluster cluster, Random random, int[][] tokens, float[][][] expected, int[] done)
      throws Exception {
    List<Run> runs = new ArrayList<>();
    List<int[]> runTokens = new ArrayList<>();
    List<float[][]> logits = new ArrayList<>(); // by run, of the tokens that ask
    for (int i = 0; i < tokens.length; i++) {
      int s = (i + done[0]) % tokens.length;
      int count = Math.min(tokens[s].length - done[s], random.nextInt(14));
      if (count == 0) {
        continue;
      }
      int end = done[s] + count;
      int asks = Math.min(random.nextInt(4), count);
      int[] blocks = blocks(s, tokens[s].length);
      runs.add(new Run(s, done[s], count, blocks, asks == 0 ? null : asksFor(asks)));
      runTokens.add(Arrays.copyOfRange(tokens[s], done[s], end));
      logits.add(Arrays.copyOfRange(expected[s], end - asks, end));
      done[s] = end;
    }
    if (runs.isEmpty()) {
      return;
    }
    cluster.run(runs, runTokens.stream().flatMapToInt(Arrays::stream).toArray());
    for (int r = 0; r < runs.size(); r++) {
      Run run = runs.get(r);
      int first = run.tokens() - logits.get(r).length;
      for (int i = first; i < run.tokens(); i++) {
        assertSame(cluster.logits(r, i), logits.get(r)[i - first], run.start() + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"q4_0,1,1", "q4_0,2,2", "q4_0,3,1", "f16,2,1"})
  void aLongStepGivesTheBitsOfSingleTokens(String type, int ranks, int threads) throws Exception {
    int[] tokens = randomTokens(300, spec.vocabularySize(), 5);
    Setup setup =
        Setup.of(KernelProvider.best())
            .withThreads(threads)
            .withOptions(new RankOptions(64, KvType.F32, tokens.length, 8, 8, 16));
    try (GgufFile model = GgufFile.open(new TinyModels(folder).model("tiny-llama", type))) {
      ModelSpec llama = ModelSpecs.read(model.header());
      float[][] expected = reference(model, llama, tokens, new Rounding(true, KvType.F32));
      ShardPlan plan = ShardPlan.of(llama, PlanOptions.of(ranks));
      try (RankCluster cluster = new RankCluster(plan, model, setup)) {
        for (int begin : new int[] {0, 299}) {
          int end = begin == 0 ? 299 : 300;
          Run run = new Run(1, begin, end - begin, blocks(0, 300), FIVE);
          cluster.run(List.of(run), Arrays.copyOfRange(tokens, begin, end));
          assertSame(cluster.logits(0), expected[end - 1], end - 1);
        }
      }
    }
  }

  @Test
  void aResultHasTheBestCandidatesAndTheSumsOfItsTiles() throws Exception {
    ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(2));
    try (RankCluster cluster = new RankCluster(plan, file, Setup.of(KernelProvider.best()))) {
      Run quiet = new Run(1, 0, 2, blocks(1, 2), null);
      CandidateRequest both = new CandidateRequest(2, 16, true, 0.7f);
      CandidateRequest plain = new CandidateRequest(1, 0f);
      CandidateRequest scaled = new CandidateRequest(1, 3, false, 0.7f);
      CandidateRequest none = new CandidateRequest(1, 1, false, 0f);
      List<Run> runs =
          List.of(
              quiet,
              new Run(2, 0, 3, blocks(2, 3), both),
              new Run(3, 0, 1, blocks(3, 1), plain),
              new Run(4, 0, 1, blocks(4, 1), scaled),
              new Run(5, 0, 1, blocks(5, 1), none));
      List<StepResult> results = cluster.run(runs, new int[] {1, 2, 3, 4, 5, 6, 7, 8});
      for (int r = 0; r < 2; r++) {
        StepResult result = results.get(r);
        assertThat(result.epoch()).isEqualTo(1);
        assertThat(result.exchangeBytes()).isPositive();
        assertThat(result.exchangeNanos()).isBetween(1L, result.computeNanos());
        assertThat(result.results()).extracting(TokenResult::run).containsExactly(1, 1, 2, 3, 4);
        assertThat(result.results()).extracting(TokenResult::token).containsExactly(1, 2, 0, 0, 0);
        Range own = plan.rank(r).vocabulary();
        assertResult(result.results().get(0), cluster.logits(1, 1), own, both);
        assertResult(result.results().get(1), cluster.logits(1, 2), own, both);
        assertResult(result.results().get(2), cluster.logits(2), own, plain);
        assertResult(result.results().get(3), cluster.logits(3), own, scaled);
        assertResult(result.results().get(4), cluster.logits(4), own, none);
      }
      assertThatThrownBy(() -> cluster.logits(0)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> cluster.logits(1, 0))
          .hasMessage("token 0 of run 1 of the latest step did not ask for candidates");
    }
  }

  private static void assertResult(
      TokenResult result, float[] logits, Range own, CandidateRequest asked) {
    List<Integer> best =
        IntStream.range(own.begin(), own.end())
            .boxed()
            .sorted(Comparator.<Integer, Float>comparing(i -> -logits[i]).thenComparing(i -> i))
            .limit(asked.count())
            .toList();
    assertThat(result.ids()).containsExactly(best.toArray(Integer[]::new));
    for (int i = 0; i < asked.count(); i++) {
      assertThat(result.logits()[i]).isEqualTo(logits[result.ids()[i]]);
    }
    int tiles = (own.size() + ShardPlan.VOCABULARY_TILE - 1) / ShardPlan.VOCABULARY_TILE;
    assertThat(result.tileMax()).hasSize(tiles);
    boolean scaled = asked.temperature() != 0;
    assertThat(result.tileSum()).hasSize(asked.sums() ? tiles : 0);
    assertThat(result.tileSumScaled()).hasSize(scaled ? tiles : 0);
    for (int tile = 0; tile < tiles; tile++) {
      int begin = own.begin() + tile * ShardPlan.VOCABULARY_TILE;
      int end = Math.min(own.end(), begin + ShardPlan.VOCABULARY_TILE);
      double max = IntStream.range(begin, end).mapToDouble(i -> logits[i]).max().orElseThrow();
      assertThat((double) result.tileMax()[tile]).isEqualTo(max);
      if (asked.sums()) {
        assertSum(result.tileSum()[tile], logits, begin, end, max, 1);
      }
      if (scaled) {
        assertSum(result.tileSumScaled()[tile], logits, begin, end, max, asked.temperature());
      }
    }
  }

  private static void assertSum(
      float actual, float[] logits, int begin, int end, double max, double temperature) {
    double sum =
        IntStream.range(begin, end)
            .mapToDouble(i -> Math.exp((logits[i] - max) / temperature))
            .sum();
    assertThat((double) actual).isCloseTo(sum, within(1e-4 * sum));
  }

  @Test
  void warmingUpDisturbsNothing() throws Exception {
    int[] tokens = randomTokens(20, spec.vocabularySize(), 9);
    float[][] expected = reference(file, spec, tokens, new Rounding(true, KvType.F32));
    ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(2));
    try (RankCluster cluster = new RankCluster(plan, file, Setup.of(KernelProvider.best()))) {
      cluster.rank(1).warmUp();
      RankFixtures.assertLogits(cluster, tokens, 9, expected);
    }
  }

  @Test
  void aPeerThatStaysAwayIsNamed() throws Exception {
    ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(2));
    Exchange exchange = InProcessExchange.group(2, 6, Duration.ofMillis(50)).getFirst();
    Setup setup = Setup.of(KernelProvider.best());
    try (ThreadTeam team = new ThreadTeam(1);
        ShardWeights weights = ShardWeights.load(plan, 0, file.header(), file, team);
        Rank rank = new Rank(plan, 0, weights, setup.options(), setup.kernels(), team, exchange);
        RankCluster other = new RankCluster(plan, file, setup)) {
      Step step =
          new Step(6, 21, List.of(new Run(1, 0, 1, new int[] {0}, null)), other.embeddings(3));
      assertThatThrownBy(() -> rank.run(step))
          .isInstanceOf(ExchangeException.class)
          .hasMessage("epoch 6, step 21, layer 0, exchange HEADS: rank 1 sent nothing for 50 ms");
    }
  }

  @Test
  void aStepThatDoesNotFitIsRefusedByField() throws Exception {
    ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(1));
    try (RankCluster cluster = new RankCluster(plan, file, Setup.of(KernelProvider.best()))) {
      Rank rank = cluster.rank(0);
      int[] two = {5, 6};
      CandidateRequest ok = new CandidateRequest(1, 0);
      assertRefused(cluster, rank, 1, "runs: 0 are not 1 to 8");
      assertRefused(cluster, rank, 0, "runs[0].tokens: 0", new Run(1, 0, 0, two, ok));
      assertRefused(cluster, rank, 1, "runs[0].start: -1", new Run(1, -1, 1, two, ok));
      assertRefused(
          cluster, rank, 1, "runs[0].start: positions up to", new Run(1, 1 << 30, 1, two, ok));
      assertRefused(
          cluster,
          rank,
          3,
          "runs[1].blocks: 2 for 33 positions, which need 3",
          new Run(1, 0, 1, two, ok),
          new Run(2, 31, 2, two, ok));
      assertRefused(
          cluster, rank, 1, "no block 64, only 0 to 63", new Run(1, 0, 1, new int[] {64}, ok));
      assertRefused(cluster, rank, 1, "no block -1", new Run(1, 0, 1, new int[] {-1}, ok));
      assertRefused(
          cluster,
          rank,
          1,
          "runs[0].candidates.count: 17 is not 1 to 16",
          new Run(1, 0, 1, two, new CandidateRequest(17, 0)));
      assertRefused(
          cluster,
          rank,
          1,
          "runs[0].candidates.temperature: NaN",
          new Run(1, 0, 1, two, new CandidateRequest(1, Float.NaN)));
      assertRefused(
          cluster,
          rank,
          2,
          "runs[0].candidates.tokens: 3 is not 1 to 2",
          new Run(1, 0, 2, two, new CandidateRequest(3, 1, false, 0)));
      assertRefused(
          cluster,
          rank,
          2,
          "runs[0].candidates.tokens: 0 is not 1 to 2",
          new Run(1, 0, 2, two, new CandidateRequest(0, 1, false, 0)));
      assertRefused(
          cluster,
          rank,
          26,
          "candidates: asked for of 25 tokens, more than the 24",
          new Run(1, 0, 25, two, new CandidateRequest(24, 1, false, 0)),
          new Run(2, 0, 1, two, ok));
      assertRefused(cluster, rank, 1, "embeddings: ", new Run(1, 0, 2, two, ok));
      assertRefused(
          cluster,
          rank,
          129,
          "tokens: 129 are more than the 128",
          new Run(1, 0, 129, blocks(0, 129), ok));
    }
  }

  private static void assertRefused(
      RankCluster cluster, Rank rank, int tokens, String message, Run... runs) throws IOException {
    Step step = new Step(1, 1, List.of(runs), cluster.embeddings(new int[tokens]));
    assertThatThrownBy(() -> rank.run(step))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
