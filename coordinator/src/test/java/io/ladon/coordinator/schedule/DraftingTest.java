package io.ladon.coordinator.schedule;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.FakeModel;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.ManualLoop;
import io.ladon.coordinator.RecordingListener;
import io.ladon.coordinator.Timeouts;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.Usage;
import io.ladon.proto.Step;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Texts that go round, with drafts and without: the same, in fewer steps. */
final class DraftingTest {

  private static final int BLOCKS = 60;
  private static final int NO_END = -1;

  private record Outcome(
      List<RecordingListener> listeners, List<Step> steps, int logitsOfDrafts, double accepted) {}

  private static Limits limits(int drafts) {
    return Limits.defaults()
        .withKvBlocks(BLOCKS)
        .withRequests(6, 40)
        .withStep(48, 16)
        .withDrafts(drafts);
  }

  private static Outcome run(
      List<GenerationRequest> requests, Limits limits, int ranks, int endToken, Random pace)
      throws ServiceException {
    ManualLoop loop = new ManualLoop();
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    Scheduler scheduler =
        new Scheduler(
            loop,
            limits,
            Timeouts.defaults(),
            FakeModel.VOCABULARY,
            limits.contextLength(FakeModel.spec()),
            new BlockPool(BLOCKS),
            FakeModel.embeddings(),
            id -> id == endToken,
            new SchedulerMetrics(registry, BLOCKS),
            () -> "not ready");
    FakeRanks fake = new FakeRanks(loop, scheduler, 1, ranks, BLOCKS, true);
    scheduler.start(fake);
    loop.run();
    int practice = fake.steps.size();
    List<RecordingListener> listeners = new ArrayList<>();
    for (GenerationRequest request : requests) {
      RecordingListener listener = new RecordingListener();
      listeners.add(listener);
      scheduler.submit(request, listener);
      for (int t = pace.nextInt(30); t > 0; t--) {
        loop.runOne();
      }
    }
    loop.run();
    assertThat(requireNonNull(registry.find("ladon.kv.blocks.free").gauge()).value())
        .isEqualTo(BLOCKS);
    return new Outcome(
        listeners,
        List.copyOf(fake.steps.subList(practice, fake.steps.size())),
        fake.logitsAskedOfDrafts,
        requireNonNull(registry.find("ladon.tokens.drafted.accepted").counter()).count());
  }

  private static GenerationRequest request(Random random, SamplingOptions sampling, int most) {
    int[] prompt = random.ints(1 + random.nextInt(40), 0, FakeModel.VOCABULARY).toArray();
    return new GenerationRequest(prompt, 1 + random.nextInt(most), sampling, 1, false);
  }

  @Property(tries = 30)
  void draftsChangeNoTokenAndNoProbability(
      @ForAll @IntRange(max = 1_000_000) int seed, @ForAll @IntRange(min = 1, max = 4) int ranks)
      throws ServiceException {
    Random random = new Random(seed);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      SamplingOptions sampling =
          random.nextBoolean()
              ? SamplingOptions.GREEDY
              : new SamplingOptions(0.02f + random.nextFloat(), 1, 0, 0, random.nextLong());
      requests.add(request(random, sampling, 100));
    }
    Outcome plain = run(requests, limits(0), 1, NO_END, random);
    Outcome drafted = run(requests, limits(1 + random.nextInt(20)), ranks, NO_END, random);
    for (int i = 0; i < requests.size(); i++) {
      assertThat(drafted.listeners.get(i).tokens).isEqualTo(plain.listeners.get(i).tokens);
      assertThat(drafted.listeners.get(i).ids())
          .isEqualTo(FakeModel.generate(requests.get(i), true));
      assertThat(drafted.listeners.get(i).reason).isEqualTo(FinishReason.LENGTH);
    }
  }

  @Test
  void aTextThatGoesRoundTakesFewerSteps() throws ServiceException {
    List<GenerationRequest> one =
        List.of(new GenerationRequest(new int[] {5, 6, 7}, 400, SamplingOptions.GREEDY, -1, false));
    Outcome plain = run(one, limits(0), 2, NO_END, new Random(1));
    Outcome drafted = run(one, limits(8), 2, NO_END, new Random(1));
    assertThat(plain.steps).hasSize(400);
    assertThat(plain.accepted).isZero();
    assertThat(drafted.steps).hasSizeLessThan(150);
    Usage usage = requireNonNull(drafted.listeners.getFirst().usage);
    assertThat(usage.generatedTokens()).isEqualTo(400);
    assertThat(usage.acceptedTokens()).isEqualTo((int) drafted.accepted);
    assertThat(usage.acceptedTokens()).isEqualTo(400 - drafted.steps.size());
    assertThat(usage.draftedTokens()).isGreaterThanOrEqualTo(usage.acceptedTokens());
  }

  @Test
  void aPredictionThatComesTrueTakesFewSteps() throws ServiceException {
    Random random = new Random(4);
    int[] prompt = random.ints(10, 0, FakeModel.VOCABULARY).toArray();
    GenerationRequest plain = new GenerationRequest(prompt, 15, SamplingOptions.GREEDY, 1, false);
    int[] truth = FakeModel.generate(plain, true).stream().mapToInt(i -> i).toArray();
    GenerationRequest foretold =
        new GenerationRequest(prompt, 15, SamplingOptions.GREEDY, 1, false, truth);
    int[] wrong = truth.clone();
    wrong[5]++;
    GenerationRequest mistaken =
        new GenerationRequest(prompt, 15, SamplingOptions.GREEDY, 1, false, wrong);
    Outcome without = run(List.of(plain), limits(16), 2, NO_END, new Random(1));
    Outcome with = run(List.of(foretold), limits(16), 2, NO_END, new Random(1));
    Outcome half = run(List.of(mistaken), limits(16), 2, NO_END, new Random(1));
    assertThat(without.steps).hasSize(15);
    assertThat(with.steps).hasSize(2); // the prompt's, and all the rest at once
    assertThat(half.steps).hasSizeBetween(3, 14);
    for (Outcome outcome : List.of(with, half)) {
      RecordingListener listener = outcome.listeners.getFirst();
      assertThat(listener.tokens).isEqualTo(without.listeners.getFirst().tokens);
    }
    Usage all = requireNonNull(with.listeners.getFirst().usage);
    assertThat(all.acceptedPrediction()).isEqualTo(13);
    assertThat(all.rejectedPrediction()).isZero();
    Usage some = requireNonNull(half.listeners.getFirst().usage);
    assertThat(some.acceptedPrediction()).isBetween(4, 13);
    assertThat(some.rejectedPrediction()).isPositive();
  }

  @Test
  void noStepIsLargerThanTheLimits() throws ServiceException {
    Random random = new Random(2);
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      requests.add(request(random, SamplingOptions.GREEDY, 200));
    }
    Limits limits = limits(5);
    Outcome outcome = run(requests, limits, 2, NO_END, random);
    int most = 0;
    for (Step step : outcome.steps) {
      int tokens = step.getRunsList().stream().mapToInt(r -> r.getTokens()).sum();
      int asked = step.getRunsList().stream().mapToInt(r -> r.getCandidates().getTokens()).sum();
      assertThat(tokens).isLessThanOrEqualTo(limits.maxStepTokens());
      assertThat(asked).isLessThanOrEqualTo(limits.maxStepAsked());
      if (step.getRunsList().stream()
          .allMatch(r -> r.getTokens() == r.getCandidates().getTokens())) {
        most = Math.max(most, tokens - step.getRunsCount());
      }
    }
    assertThat(most).isEqualTo(5);
  }

  @Test
  void anEndAmongDraftedTokensEndsTheText() throws ServiceException {
    GenerationRequest round =
        new GenerationRequest(new int[] {5, 6, 7}, 400, SamplingOptions.GREEDY, -1, false);
    List<Integer> whole = FakeModel.generate(round, true);
    // A prompt that holds the text as far as it goes round, so that all of it is drafted at once.
    int[] prompt = new int[63];
    prompt[0] = 5;
    prompt[1] = 6;
    prompt[2] = 7;
    for (int i = 3; i < prompt.length; i++) {
      prompt[i] = whole.get(i - 3);
    }
    GenerationRequest request =
        new GenerationRequest(prompt, 300, SamplingOptions.GREEDY, -1, false);
    List<Integer> rest = FakeModel.generate(request, true);
    int end = rest.get(2); // the third token, which is drafted with the second
    Outcome outcome = run(List.of(request), limits(16), 2, end, new Random(1));
    RecordingListener listener = outcome.listeners.getFirst();
    assertThat(listener.reason).isEqualTo(FinishReason.STOP);
    assertThat(listener.ids()).isEqualTo(rest.subList(0, rest.indexOf(end)));
  }

  @Test
  void aDrawThatNeedsAllLogitsGetsThemInTheMiddleOfADraft() throws ServiceException {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      // Now and then a token is drawn that is not among the best 64.
      SamplingOptions warm = new SamplingOptions(0.9f, 1, 0, 0, i);
      requests.add(new GenerationRequest(new int[] {1, 2, 3}, 120, warm, 0, false));
    }
    Outcome plain = run(requests, limits(0), 2, NO_END, new Random(1));
    Outcome drafted = run(requests, limits(8), 2, NO_END, new Random(1));
    assertThat(drafted.accepted).isPositive();
    assertThat(drafted.logitsOfDrafts).isPositive();
    for (int i = 0; i < requests.size(); i++) {
      assertThat(drafted.listeners.get(i).tokens).isEqualTo(plain.listeners.get(i).tokens);
    }
  }
}
