package io.ladon.coordinator.schedule;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.ladon.coordinator.FakeModel;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.ManualLoop;
import io.ladon.coordinator.RecordingListener;
import io.ladon.coordinator.Timeouts;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.Generation;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.proto.Run;
import io.ladon.proto.Step;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The step loop on ranks that compute nothing, with a clock that stands. */
final class SchedulerTest {

  private static final SamplingOptions WARM = new SamplingOptions(0.9f, 1, 0, 0, 11);

  private final ManualLoop loop = new ManualLoop();
  private SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private Limits limits = Limits.defaults().withKvBlocks(64).withStep(96, 16);
  private int endToken = -1;

  private Scheduler scheduler(int blocks) {
    registry = new SimpleMeterRegistry();
    return new Scheduler(
        loop,
        limits,
        Timeouts.defaults(),
        FakeModel.VOCABULARY,
        limits.contextLength(FakeModel.spec()),
        new BlockPool(blocks),
        FakeModel.embeddings(),
        id -> id == endToken,
        new SchedulerMetrics(registry, blocks),
        () -> "1 of 2 workers have joined");
  }

  private FakeRanks started(Scheduler scheduler, int ranks, int blocks) {
    FakeRanks fake = new FakeRanks(loop, scheduler, 1, ranks, blocks);
    scheduler.start(fake);
    loop.run();
    return fake;
  }

  private static GenerationRequest request(int prompt, int max, SamplingOptions sampling) {
    int[] tokens = new Random(prompt * 31L + max).ints(prompt, 0, FakeModel.VOCABULARY).toArray();
    return new GenerationRequest(tokens, max, sampling, -1, false);
  }

  private double gauge(String name) {
    return requireNonNull(registry.find(name).gauge()).value();
  }

  @Property(tries = 40)
  void textsAreTheModelsOwnWhateverRunsBeside(
      @ForAll @IntRange(max = 1_000_000) int seed, @ForAll @IntRange(min = 1, max = 4) int ranks)
      throws ServiceException {
    Random random = new Random(seed);
    int chunk = 1 + random.nextInt(40);
    limits =
        Limits.defaults()
            .withKvBlocks(20)
            .withRequests(1 + random.nextInt(6), 40)
            .withStep(6 + random.nextInt(60), chunk);
    Scheduler scheduler = scheduler(20);
    started(scheduler, ranks, 20);
    List<GenerationRequest> requests = new ArrayList<>();
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      SamplingOptions sampling =
          random.nextBoolean()
              ? SamplingOptions.GREEDY
              : new SamplingOptions(1 + random.nextFloat(), 1, 0, 0, random.nextLong());
      GenerationRequest request =
          request(1 + random.nextInt(120), 1 + random.nextInt(20), sampling);
      RecordingListener listener = new RecordingListener();
      requests.add(request);
      listeners.add(listener);
      scheduler.submit(request, listener);
      for (int t = random.nextInt(30); t > 0; t--) {
        loop.runOne();
      }
    }
    loop.run();
    for (int i = 0; i < requests.size(); i++) {
      assertThat(listeners.get(i).reason).isEqualTo(FinishReason.LENGTH);
      assertThat(listeners.get(i).ids()).isEqualTo(FakeModel.generate(requests.get(i)));
    }
    assertThat(gauge("ladon.kv.blocks.free")).isEqualTo(20);
    assertThat(gauge("ladon.requests.running")).isZero();
    assertThat(gauge("ladon.requests.queued")).isZero();
  }

  @Test
  void nothingIsTakenBeforeAProbeHasSucceeded() throws ServiceException {
    Scheduler scheduler = scheduler(8);
    assertNotReady(scheduler);
    FakeRanks ranks = new FakeRanks(loop, scheduler, 1, 2, 8);
    ranks.holding.set(1);
    scheduler.start(ranks);
    loop.run();
    assertNotReady(scheduler);
    assertThat(ranks.steps.getFirst().getRuns(0).getBlocksList())
        .containsExactly(BlockPool.PRACTICE_BLOCK);
    ranks.holding.clear();
    ranks.answer(1);
    loop.run();
    assertThat(ranks.successes).isEqualTo(1);
    scheduler.submit(request(3, 2, WARM), new RecordingListener());
  }

  private static void assertNotReady(Scheduler scheduler) {
    assertThatExceptionOfType(ServiceException.class)
        .isThrownBy(() -> scheduler.submit(request(3, 2, WARM), new RecordingListener()))
        .withMessage("1 of 2 workers have joined")
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_READY));
  }

  @Test
  void anIdleClusterIsProbed() {
    FakeRanks ranks = started(scheduler(8), 2, 8);
    loop.advance(Duration.ofSeconds(10));
    assertThat(ranks.steps).hasSize(6);
    assertThat(ranks.successes).isEqualTo(6);
  }

  @Test
  void whileNobodyAsksItPractises() throws ServiceException {
    limits = limits.withWarmUp(40);
    Scheduler scheduler = scheduler(64);
    FakeRanks ranks = startedSlowly(scheduler, Duration.ofMillis(250));
    assertThat(ranks.successes).isEqualTo(1);
    assertThat(ranks.steps).hasSize(2);
    GenerationRequest request = request(30, 3, WARM);
    RecordingListener listener = new RecordingListener();
    scheduler.submit(request, listener);
    loop.run();
    ranks.holding.clear();
    ranks.answer(1);
    loop.run();
    assertThat(ranks.steps.stream().map(step -> step.getRuns(0).getTokens()).limit(5))
        .containsExactly(1, 4, 30, 1, 1); // the second with a draft
    assertThat(listener.ids()).isEqualTo(FakeModel.generate(request));
    assertThat(ranks.steps).hasSize(40);
    assertThat(ranks.steps.stream().skip(5).map(step -> step.getRuns(0).getBlocks(0)))
        .containsOnly(BlockPool.PRACTICE_BLOCK);
    assertThat(counter("ladon.tokens.generated")).isEqualTo(3);
    assertThat(counter("ladon.tokens.prompt")).isEqualTo(30);
    assertThat(registry.find("ladon.requests").counters()).hasSize(1);
  }

  @Test
  void decodingIsTimedFromStepToStepWhereNoPromptIsComputed() throws ServiceException {
    Scheduler scheduler = scheduler(64);
    FakeRanks ranks = started(scheduler, 2, 64);
    ranks.holding.set(1);
    scheduler.submit(request(30, 3, WARM), new RecordingListener());
    loop.run();
    RecordingListener second = new RecordingListener();
    scheduler.submit(request(5, 3, WARM), second);
    for (int millis : new int[] {10, 20, 5, 4}) { // a prompt, the other beside a token, 2 and 1
      loop.advance(Duration.ofMillis(millis));
      ranks.answer(1);
      loop.run();
    }
    assertThat(second.reason).isEqualTo(FinishReason.LENGTH);
    assertThat(counter("ladon.decode.tokens")).isEqualTo(3);
    assertThat(counter("ladon.decode.seconds")).isCloseTo(0.009, within(1e-9));
    int steps = 2; // in each of which a rank says that it took 1000 ns, 250 of them in exchanges
    assertThat(counter("ladon.decode.rank.step.seconds")).isCloseTo(steps * 2e-6, within(1e-12));
    assertThat(counter("ladon.decode.rank.exchange.seconds"))
        .isCloseTo(steps * 5e-7, within(1e-12));
  }

  private double counter(String name) {
    return requireNonNull(registry.find(name).counter()).count();
  }

  @Test
  void whereStepsTakeLongPracticeEnds() {
    limits = limits.withWarmUp(40);
    FakeRanks ranks = startedSlowly(scheduler(64), Duration.ofMillis(3001));
    assertThat(ranks.successes).isEqualTo(1);
    assertThat(ranks.steps).hasSize(1);
  }

  /** Two ranks of which the second answers the first step after a while, and no other. */
  private FakeRanks startedSlowly(Scheduler scheduler, Duration firstStep) {
    FakeRanks ranks = new FakeRanks(loop, scheduler, 1, 2, 64);
    ranks.holding.set(1);
    scheduler.start(ranks);
    loop.run();
    loop.advance(firstStep);
    ranks.answer(1);
    loop.run();
    return ranks;
  }

  @Test
  void aLongPromptComesInChunksBetweenTheOthersTokens() throws ServiceException {
    Scheduler scheduler = scheduler(64);
    FakeRanks ranks = started(scheduler, 2, 64);
    RecordingListener first = new RecordingListener();
    GenerationRequest longOne = request(300, 4, SamplingOptions.GREEDY);
    RecordingListener longListener = new RecordingListener();
    first.onEach(
        token -> {
          if (first.tokens.size() == 3) {
            try {
              scheduler.submit(longOne, longListener);
            } catch (ServiceException e) {
              throw new AssertionError(e);
            }
          }
        });
    GenerationRequest shortOne = request(40, 60, SamplingOptions.GREEDY);
    scheduler.submit(shortOne, first);
    loop.run();
    assertThat(first.ids()).isEqualTo(FakeModel.generate(shortOne));
    assertThat(longListener.ids()).isEqualTo(FakeModel.generate(longOne));
    List<Step> mixed =
        ranks.steps.stream()
            .filter(s -> s.getRunsCount() == 2 && s.getRuns(1).getTokens() > 1)
            .toList();
    assertThat(mixed).hasSize(19); // 300 = 18 * 16 + 12
    assertThat(mixed).allSatisfy(s -> assertThat(s.getRuns(0).getTokens()).isEqualTo(1));
    assertThat(mixed.subList(0, 18))
        .allSatisfy(
            s -> {
              assertThat(s.getRuns(1).getTokens()).isEqualTo(16);
              assertThat(s.getRuns(1).hasCandidates()).isFalse();
            });
    assertThat(mixed.getLast().getRuns(1).hasCandidates()).isTrue();
  }

  @Test
  void aloneAPromptFillsTheStep() throws ServiceException {
    Scheduler scheduler = scheduler(64);
    FakeRanks ranks = started(scheduler, 1, 64);
    scheduler.submit(request(200, 1, WARM), new RecordingListener());
    loop.run();
    assertThat(ranks.steps.stream().skip(1).map(s -> s.getRuns(0).getTokens()))
        .containsExactly(96, 96, 8);
  }

  @Test
  void requestsWaitForBlocksInTheirOrderAndThenGetQueueFull() throws ServiceException {
    limits = Limits.defaults().withKvBlocks(10).withRequests(8, 2).withStep(96, 16);
    Scheduler scheduler = scheduler(10);
    FakeRanks ranks = started(scheduler, 1, 10);
    ranks.holding.set(0);
    List<RecordingListener> listeners = new ArrayList<>();
    // 100 + 29 - 1 positions are 8 blocks: the second has to wait, and the small third behind it.
    for (int[] size : new int[][] {{100, 29}, {90, 7}, {5, 2}}) {
      RecordingListener listener = new RecordingListener();
      listeners.add(listener);
      scheduler.submit(request(size[0], size[1], SamplingOptions.GREEDY), listener);
      loop.run();
    }
    assertThat(gauge("ladon.requests.running")).isEqualTo(1);
    assertThat(gauge("ladon.requests.queued")).isEqualTo(2);
    assertThat(gauge("ladon.kv.blocks.free")).isEqualTo(2);
    assertThatExceptionOfType(ServiceException.class)
        .isThrownBy(() -> scheduler.submit(request(5, 2, WARM), new RecordingListener()))
        .withMessageContaining("2 requests wait already")
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.QUEUE_FULL));
    ranks.holding.clear();
    ranks.answer(0);
    loop.run();
    assertThat(listeners).allSatisfy(l -> assertThat(l.reason).isEqualTo(FinishReason.LENGTH));
    assertThat(
            ranks.steps.stream()
                .flatMap(s -> s.getRunsList().stream())
                .map(Run::getSequence)
                .distinct())
        .containsExactly(0L, 1L, 2L, 3L);
  }

  @Test
  void waitingEndsAtItsDeadline() throws ServiceException {
    limits = Limits.defaults().withKvBlocks(4).withRequests(8, 4).withStep(96, 16);
    Scheduler scheduler = scheduler(4);
    FakeRanks ranks = started(scheduler, 1, 4);
    ranks.holding.set(0);
    scheduler.submit(request(40, 24, WARM), new RecordingListener());
    RecordingListener waiting = new RecordingListener();
    scheduler.submit(request(60, 2, WARM), waiting);
    for (int i = 0; i < 7; i++) { // the step's own deadline stays away
      loop.advance(Duration.ofSeconds(50));
      ranks.answer(0);
    }
    assertThat(requireNonNull(waiting.error).code()).isEqualTo(ErrorCode.TIMEOUT);
  }

  @Test
  void cancelFreesTheBlocksAndTellsNothingMore() throws ServiceException {
    Scheduler scheduler = scheduler(16);
    FakeRanks ranks = started(scheduler, 2, 16);
    List<Generation> generation = new ArrayList<>();
    RecordingListener listener = new RecordingListener();
    listener.onEach(
        token -> {
          if (listener.tokens.size() == 3) {
            generation.getFirst().cancel();
          }
        });
    generation.add(scheduler.submit(request(40, 100, SamplingOptions.GREEDY), listener));
    loop.run();
    assertThat(listener.reason).isEqualTo(FinishReason.CANCELLED);
    assertThat(listener.tokens).hasSize(3);
    assertThat(gauge("ladon.kv.blocks.free")).isEqualTo(16);
    // Cancelled while it waits for a step, and twice.
    ranks.holding.set(1);
    RecordingListener held = new RecordingListener();
    Generation second = scheduler.submit(request(40, 100, SamplingOptions.GREEDY), held);
    loop.run();
    second.cancel();
    second.cancel();
    loop.run();
    assertThat(held.reason).isEqualTo(FinishReason.CANCELLED);
    assertThat(gauge("ladon.kv.blocks.free")).isEqualTo(16);
    // The blocks serve others while the old step is still under way.
    GenerationRequest next = request(30, 9, SamplingOptions.GREEDY);
    RecordingListener after = new RecordingListener();
    scheduler.submit(next, after);
    loop.run();
    ranks.holding.clear();
    ranks.answer(1);
    loop.run();
    assertThat(after.ids()).isEqualTo(FakeModel.generate(next));
  }

  @Test
  void aRankThatIsSilentAfterAnotherHasAnsweredIsFoundSoon() throws ServiceException {
    Scheduler scheduler = scheduler(16);
    FakeRanks ranks = started(scheduler, 3, 16);
    ranks.holding.set(1, 3);
    RecordingListener listener = new RecordingListener();
    scheduler.submit(request(40, 100, WARM), listener);
    loop.advance(Duration.ofSeconds(3));
    ranks.holding.clear(2);
    ranks.answer(2); // later, but the first answer counts
    loop.advance(Duration.ofMillis(1999));
    assertThat(listener.error).isNull();
    loop.advance(Duration.ofMillis(1));
    assertThat(requireNonNull(listener.error).code()).isEqualTo(ErrorCode.WORKER_LOST);
    assertThat(listener.error)
        .hasMessage("step 2, ranks {1}: no answer to step 2 after another rank's within 5000 ms");
  }

  @Test
  void aStepEndsInTimeHoweverLateItsFirstAnswer() throws ServiceException {
    Scheduler scheduler = scheduler(16);
    FakeRanks ranks = started(scheduler, 3, 16);
    ranks.holding.set(0, 3);
    RecordingListener listener = new RecordingListener();
    scheduler.submit(request(40, 100, WARM), listener);
    loop.advance(Duration.ofSeconds(58));
    ranks.holding.clear(0);
    ranks.answer(0);
    loop.advance(Duration.ofSeconds(2));
    assertThat(requireNonNull(listener.error))
        .hasMessage("step 2, ranks {1, 2}: no answer to step 2 within 60000 ms");
  }

  @Test
  void silenceEndsTheStepAndNamesTheRanks() throws ServiceException {
    Scheduler scheduler = scheduler(16);
    FakeRanks ranks = started(scheduler, 3, 16);
    ranks.holding.set(0, 3);
    RecordingListener listener = new RecordingListener();
    RecordingListener queued = new RecordingListener();
    scheduler.submit(request(40, 100, WARM), listener);
    scheduler.submit(request(200, 50, WARM), queued);
    loop.advance(Duration.ofSeconds(59));
    assertThat(listener.error).isNull();
    loop.advance(Duration.ofSeconds(1));
    for (RecordingListener each : List.of(listener, queued)) {
      assertThat(requireNonNull(each.error).code()).isEqualTo(ErrorCode.WORKER_LOST);
      assertThat(each.error)
          .hasMessage("step 2, ranks {0, 1, 2}: no answer to step 2 within 60000 ms");
    }
    assertThat(gauge("ladon.kv.blocks.free")).isEqualTo(16);
    assertNotReady(scheduler);
    // The next epoch begins anew.
    FakeRanks next = new FakeRanks(loop, scheduler, 2, 2, 16);
    scheduler.start(next);
    loop.run();
    GenerationRequest request = request(30, 9, WARM);
    RecordingListener after = new RecordingListener();
    scheduler.submit(request, after);
    loop.run();
    assertThat(after.ids()).isEqualTo(FakeModel.generate(request));
    assertThat(next.steps.getFirst().getStep()).isEqualTo(1);
    assertThat(next.steps.getFirst().getEpoch()).isEqualTo(2);
  }

  @Test
  void drawsThatCandidatesDoNotDecideFetchAllLogits() throws ServiceException {
    Scheduler scheduler = scheduler(16);
    FakeRanks ranks = started(scheduler, 3, 16);
    SamplingOptions hot = new SamplingOptions(5, 1, 0, 0, 3);
    GenerationRequest request = request(10, 40, hot);
    RecordingListener listener = new RecordingListener();
    GenerationRequest beside = request(12, 40, SamplingOptions.GREEDY);
    RecordingListener besideListener = new RecordingListener();
    scheduler.submit(request, listener);
    scheduler.submit(beside, besideListener);
    loop.run();
    assertThat(ranks.logitsAsked).isGreaterThan(20);
    assertThat(listener.ids()).isEqualTo(FakeModel.generate(request));
    assertThat(besideListener.ids()).isEqualTo(FakeModel.generate(beside));
    // And not for ever: a rank that does not send them is named.
    RecordingListener held = new RecordingListener();
    scheduler.submit(request(10, 40, hot), held);
    ranks.holdingLogits.set(2);
    loop.advance(Duration.ofSeconds(6));
    assertThat(ranks.failure).contains("ranks {2}").contains("within 5000 ms");
    assertThat(requireNonNull(held.error).code()).isEqualTo(ErrorCode.WORKER_LOST);
  }

  @Test
  void theModelsEndStopsUnlessIgnored() throws ServiceException {
    GenerationRequest request = request(10, 40, SamplingOptions.GREEDY);
    List<Integer> text = FakeModel.generate(request);
    endToken = text.get(5);
    Scheduler scheduler = scheduler(16);
    started(scheduler, 2, 16);
    RecordingListener listener = new RecordingListener();
    scheduler.submit(request, listener);
    RecordingListener ignoring = new RecordingListener();
    scheduler.submit(
        new GenerationRequest(request.prompt(), 40, SamplingOptions.GREEDY, 2, true), ignoring);
    loop.run();
    assertThat(listener.reason).isEqualTo(FinishReason.STOP);
    assertThat(listener.ids()).isEqualTo(text.subList(0, text.indexOf(endToken)));
    assertThat(requireNonNull(listener.usage).generatedTokens())
        .isEqualTo(text.indexOf(endToken) + 1);
    assertThat(listener.usage.promptTokens()).isEqualTo(10);
    assertThat(listener.usage.exchangeShare()).isEqualTo(0.25);
    assertThat(listener.tokens.getFirst().logprob()).isNaN();
    assertThat(ignoring.ids()).isEqualTo(text);
    assertThat(ignoring.tokens.getFirst().top()).hasSize(2);
    assertThat(ignoring.tokens.getFirst().top().getFirst().id())
        .isEqualTo(ignoring.tokens.getFirst().id());
    assertThat(ignoring.tokens.getFirst().logprob()).isNegative();
  }

  @Test
  void aListenerThatThrowsLosesItsRequestOnly() throws ServiceException {
    Scheduler scheduler = scheduler(16);
    started(scheduler, 2, 16);
    RecordingListener bad =
        new RecordingListener()
            .onEach(
                token -> {
                  throw new IllegalStateException("broken");
                });
    GenerationRequest request = request(10, 20, WARM);
    RecordingListener good = new RecordingListener();
    scheduler.submit(request, bad);
    scheduler.submit(request, good);
    loop.run();
    assertThat(requireNonNull(bad.error).code()).isEqualTo(ErrorCode.INTERNAL);
    assertThat(good.ids()).isEqualTo(FakeModel.generate(request));
    assertThat(gauge("ladon.kv.blocks.free")).isEqualTo(16);
  }

  @Test
  void whatIsNoRequestIsRefusedByName() {
    Scheduler scheduler = scheduler(64);
    started(scheduler, 1, 64);
    assertRefused(scheduler, request(0, 1, WARM), ErrorCode.INVALID_REQUEST, "prompt");
    assertRefused(scheduler, request(1, 0, WARM), ErrorCode.INVALID_REQUEST, "max_tokens");
    assertRefused(scheduler, request(1000, 25, WARM), ErrorCode.CONTEXT_TOO_LONG, "max_tokens");
    assertRefused(scheduler, request(1024, 1, WARM), ErrorCode.CONTEXT_TOO_LONG, "prompt");
    assertRefused(
        scheduler,
        new GenerationRequest(new int[] {FakeModel.VOCABULARY}, 1, WARM, -1, false),
        ErrorCode.INVALID_REQUEST,
        "prompt");
    SamplingOptions[] bad = {
      new SamplingOptions(-1, 1, 0, 0, 0), new SamplingOptions(Float.NaN, 1, 0, 0, 0),
      new SamplingOptions(1, 0, 0, 0, 0), new SamplingOptions(1, 1, -1, 0, 0),
      new SamplingOptions(1, 1, 0, 2, 0)
    };
    String[] names = {"temperature", "temperature", "top_p", "top_k", "min_p"};
    for (int i = 0; i < bad.length; i++) {
      assertRefused(scheduler, request(1, 1, bad[i]), ErrorCode.INVALID_REQUEST, names[i]);
    }
  }

  private static void assertRefused(
      Scheduler scheduler, GenerationRequest request, ErrorCode code, String param) {
    assertThatExceptionOfType(ServiceException.class)
        .isThrownBy(() -> scheduler.submit(request, new RecordingListener()))
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(code);
              assertThat(e.param()).isEqualTo(param);
            });
  }
}
