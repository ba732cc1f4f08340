package io.ladon.realmodel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.engine.rank.RankCluster;
import io.ladon.engine.rank.RankOptions;
import io.ladon.engine.rank.Run;
import io.ladon.engine.rank.Run.CandidateRequest;
import io.ladon.realmodel.Expected.Case;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The real model gives the same bits on any number of ranks, with any splits and chunks, alone and
 * among other sequences: the logits of the whole vocabulary at the end of every run, compared with
 * those of one rank that reads token by token.
 */
@Timeout(300)
final class SameBitsTest {

  private static final int GREEDY = 12;
  private static final int KV_BLOCKS = 64;
  private static final int MAX_STEP_TOKENS = 160;
  private static final int[] RANKS = {1, 2, 3, 4, 5, 9};
  private static final int[] CHUNKS = {150, 7, 64, 16, 33};
  private static final CandidateRequest CANDIDATE = new CandidateRequest(1, 0);

  /** Prompts, cut to so many tokens; the first is the one that is also read alone. */
  private static final List<Prompt> PROMPTS =
      List.of(
          new Prompt("long", 150),
          new Prompt("chat-turns", 80),
          new Prompt("emoji", 20),
          new Prompt("java", 10));

  private static final List<Text> TEXTS = new ArrayList<>();
  private static GgufFile file;
  private static ModelSpec spec;

  private record Prompt(String name, int tokens) {}

  /**
   * @param prompt tokens of the prompt
   * @param tokens the prompt and the greedy text
   * @param logits after each token
   */
  private record Text(int prompt, int[] tokens, float[][] logits) {}

  /**
   * @param turn picks chunks and companions
   */
  record Plan(int ranks, Split output, Split down, int turn) {}

  @BeforeAll
  static void readTokenByToken() throws Exception {
    file = RealModel.SMOLLM2.open();
    spec = ModelSpecs.read(file.header());
    List<Case> cases = Expected.f32(RealModel.SMOLLM2).cases();
    try (RankCluster cluster = cluster(PlanOptions.of(1), KernelProvider.best(), 2)) {
      for (Prompt prompt : PROMPTS) {
        int[] ids =
            cases.stream()
                .filter(each -> each.name().equals(prompt.name()))
                .findFirst()
                .orElseThrow()
                .promptIds();
        TEXTS.add(tokenByToken(cluster, Arrays.copyOf(ids, prompt.tokens())));
      }
    }
  }

  @AfterAll
  static void close() {
    file.close();
  }

  static List<Plan> plans() {
    List<Plan> plans = new ArrayList<>();
    for (int ranks : RANKS) {
      for (Split output : Split.values()) {
        for (Split down : Split.values()) {
          if (output != Split.COLUMNS || ShardPlan.offersOutputColumns(spec, ranks)) {
            plans.add(new Plan(ranks, output, down, plans.size()));
          }
        }
      }
    }
    return plans;
  }

  @ParameterizedTest
  @MethodSource("plans")
  void everyPlanGivesTheBitsOfOneRank(Plan plan) throws Exception {
    PlanOptions options = new PlanOptions(plan.ranks(), List.of(), plan.output(), plan.down());
    try (RankCluster cluster = cluster(options, KernelProvider.best(), plan.ranks() == 1 ? 2 : 1)) {
      alone(cluster, TEXTS.getFirst(), CHUNKS[plan.turn() % CHUNKS.length]);
      amongOthers(cluster, new Random(plan.turn()));
    }
  }

  @Test
  void scalarKernelsGiveTheSameBits() throws Exception {
    Text text = TEXTS.getLast();
    try (RankCluster cluster = cluster(PlanOptions.of(2), KernelProvider.named("scalar"), 1)) {
      alone(cluster, text, text.prompt());
    }
  }

  private static RankCluster cluster(PlanOptions options, Kernels kernels, int threads)
      throws IOException {
    return new RankCluster(
        ShardPlan.of(spec, options),
        file,
        RankCluster.Setup.of(kernels)
            .withThreads(threads)
            .withOptions(
                new RankOptions(
                    KV_BLOCKS, KvType.F16, MAX_STEP_TOKENS, PROMPTS.size(), PROMPTS.size(), 1)));
  }

  private static Text tokenByToken(RankCluster cluster, int[] prompt) throws Exception {
    int[] tokens = Arrays.copyOf(prompt, prompt.length + GREEDY);
    float[][] logits = new float[tokens.length][];
    for (int t = 0; t < tokens.length; t++) {
      if (t >= prompt.length) {
        tokens[t] = Logits.best(logits[t - 1]);
      }
      Run run = new Run(0, t, 1, IntStream.rangeClosed(0, t / KvCache.BLOCK).toArray(), CANDIDATE);
      cluster.run(List.of(run), new int[] {tokens[t]});
      logits[t] = cluster.logits(0);
    }
    return new Text(prompt.length, tokens, logits);
  }

  /** The prompt in chunks, then token by token. */
  private static void alone(RankCluster cluster, Text text, int chunk) throws Exception {
    int[] blocks = IntStream.range(0, KV_BLOCKS).map(i -> KV_BLOCKS - 1 - i).toArray();
    for (int start = 0, end; start < text.tokens().length; start = end) {
      end = start < text.prompt() ? Math.min(text.prompt(), start + chunk) : start + 1;
      Run run = new Run(0, start, end - start, blocks, CANDIDATE);
      cluster.run(List.of(run), Arrays.copyOfRange(text.tokens(), start, end));
      assertSame(cluster.logits(0), text, end - 1);
    }
  }

  /** All texts at once: in every step some tokens of some, in scattered blocks. */
  private static void amongOthers(RankCluster cluster, Random random) throws Exception {
    List<Integer> blocks = new ArrayList<>(IntStream.range(0, KV_BLOCKS).boxed().toList());
    Collections.shuffle(blocks, random);
    int share = KV_BLOCKS / TEXTS.size();
    int[] done = new int[TEXTS.size()];
    while (IntStream.range(0, done.length).anyMatch(i -> done[i] < TEXTS.get(i).tokens().length)) {
      List<Run> runs = new ArrayList<>();
      IntStream tokens = IntStream.empty();
      for (int i = 0; i < done.length; i++) {
        Text text = TEXTS.get(i);
        int count =
            done[i] < text.prompt()
                ? Math.min(text.prompt() - done[i], random.nextInt(i == 0 ? 50 : 9))
                : Math.min(text.tokens().length - done[i], 1);
        if (count > 0) {
          int[] own =
              blocks.subList(i * share, (i + 1) * share).stream().mapToInt(b -> b).toArray();
          runs.add(new Run(i, done[i], count, own, CANDIDATE));
          tokens = IntStream.concat(tokens, Arrays.stream(text.tokens(), done[i], done[i] + count));
          done[i] += count;
        }
      }
      if (!runs.isEmpty()) {
        cluster.run(runs, tokens.toArray());
      }
      for (int r = 0; r < runs.size(); r++) {
        Run run = runs.get(r);
        Text text = TEXTS.get((int) run.sequence());
        assertSame(cluster.logits(r), text, run.start() + run.tokens() - 1);
      }
    }
  }

  /** Compares bit for bit. */
  private static void assertSame(float[] logits, Text text, int position) {
    float[] expected = text.logits()[position];
    int at = Arrays.mismatch(logits, expected);
    assertThat(at)
        .as(
            () ->
                "first logit that differs after position %d: %s, not %s"
                    .formatted(position, logits[at], expected[at]))
        .isEqualTo(-1);
  }
}
