package io.ladon.coordinator.schedule;

import io.ladon.coordinator.Limits;
import io.ladon.coordinator.Timeouts;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.Generation;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.Usage;
import io.ladon.coordinator.sample.Distribution;
import io.ladon.coordinator.sample.Sampler;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.LogitsResult;
import io.ladon.proto.StepResult;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The step loop: admits sequences, sends one step after the other, samples from the answers, and
 * tells the listeners. One step is under way at a time; the next leaves before the listeners are
 * told of the last, so that the ranks compute meanwhile.
 *
 * <p>A sequence is admitted, first come first served, when KV blocks for its prompt and all the
 * tokens it may generate are free: so a running sequence never lacks a block. All methods are
 * called on the loop, except {@link #submit}.
 */
public final class Scheduler {

  /** Age of a plan from which on it practises no more, also where steps take long. */
  private static final long PRACTICE_NANOS = 3_000_000_000L;

  private static final Logger log = LoggerFactory.getLogger(Scheduler.class);

  private final Loop loop;
  private final Limits limits;
  private final Timeouts timeouts;
  private final RequestCheck check;
  private final BlockPool pool;
  private final EmbeddingRows embeddings;
  private final IntPredicate endOfGeneration;
  private final SchedulerMetrics metrics;
  private final Supplier<String> whyNotReady;
  private final AtomicLong sequences = new AtomicLong();

  private final ArrayDeque<Sequence> waiting = new ArrayDeque<>();
  private final List<Sequence> running = new ArrayList<>(); // in the order of admission
  private List<Runnable> news = new ArrayList<>(); // for listeners, of the step that has ended

  private volatile boolean open; // a step of the current epoch has succeeded
  private Practice practice;
  private Drafting drafting;
  private @Nullable Ranks ranks;
  private @Nullable Call call;
  private Loop.@Nullable Timer probe;
  private long startedNanos;
  private long steps; // of the current epoch

  /**
   * @param contextLength positions that a request may use
   * @param pool whose blocks all ranks have
   * @param endOfGeneration the tokens that end a text
   * @param whyNotReady for requests that come too early; any thread
   */
  public Scheduler(
      Loop loop,
      Limits limits,
      Timeouts timeouts,
      int vocabularySize,
      int contextLength,
      BlockPool pool,
      EmbeddingRows embeddings,
      IntPredicate endOfGeneration,
      SchedulerMetrics metrics,
      Supplier<String> whyNotReady) {
    this.loop = loop;
    this.limits = limits;
    this.timeouts = timeouts;
    this.check = new RequestCheck(vocabularySize, contextLength, limits.maxCandidates());
    this.pool = pool;
    this.embeddings = embeddings;
    this.endOfGeneration = endOfGeneration;
    this.metrics = metrics;
    this.whyNotReady = whyNotReady;
    this.drafting = new Drafting(limits.draftTokens());
    this.practice = practice();
  }

  // ------------------------------------------------------------------ requests

  /** See {@link io.ladon.coordinator.generate.GenerationService#submit}. Any thread. */
  public Generation submit(GenerationRequest request, GenerationListener listener)
      throws ServiceException {
    check.check(request);
    if (!open) {
      throw new ServiceException(ErrorCode.NOT_READY, whyNotReady.get());
    }
    if (metrics.queued.incrementAndGet() > limits.maxQueued()) {
      metrics.queued.decrementAndGet();
      metrics.ended(ErrorCode.QUEUE_FULL);
      throw new ServiceException(
          ErrorCode.QUEUE_FULL,
          "%d requests wait already, which is the limit; try again later"
              .formatted(limits.maxQueued()));
    }
    Sequence sequence =
        new Sequence(
            sequences.incrementAndGet(),
            request,
            listener,
            Sampler.candidates(request.sampling(), request.topLogprobs(), limits.maxCandidates()),
            loop.nanoTime());
    loop.execute(() -> enqueue(sequence));
    return () -> {
      sequence.cancelRequested = true;
      loop.execute(() -> cancel(sequence));
    };
  }

  private void enqueue(Sequence sequence) {
    waiting.add(sequence);
    if (!open) {
      fail(sequence, new ServiceException(ErrorCode.NOT_READY, whyNotReady.get()));
      return;
    }
    sequence.queueTimer = loop.schedule(timeouts.queue(), () -> expire(sequence));
    pump();
  }

  private void expire(Sequence sequence) {
    if (waiting.contains(sequence)) {
      fail(
          sequence,
          new ServiceException(
              ErrorCode.TIMEOUT,
              "waited for KV blocks for %d ms; %d requests run"
                  .formatted(timeouts.queue().toMillis(), running.size())));
      pump(); // a smaller one may have stood behind it
    }
  }

  private void cancel(Sequence sequence) {
    if (sequence.finish == null && !sequence.told) {
      finish(sequence, FinishReason.CANCELLED);
      tellEnd(sequence, FinishReason.CANCELLED, sequence.usage());
      pump();
    }
  }

  private void fail(Sequence sequence, ServiceException error) {
    leave(sequence);
    metrics.ended(error.code());
    if (!sequence.told) {
      sequence.told = true;
      loop.execute(() -> guard(sequence, () -> sequence.listener.onError(error)));
    }
  }

  private void finish(Sequence sequence, FinishReason reason) {
    sequence.finish = reason;
    leave(sequence);
    metrics.ended(reason);
  }

  /** Takes a sequence out of wherever it stands, and its blocks from it. */
  private void leave(Sequence sequence) {
    if (sequence.queueTimer != null) {
      sequence.queueTimer.cancel();
      sequence.queueTimer = null;
    }
    if (waiting.remove(sequence)) {
      metrics.queued.decrementAndGet();
    } else if (running.remove(sequence)) {
      // A step under way may still write to them. The ranks run steps in order, so whoever gets
      // them writes later.
      pool.release(sequence.blocks);
    }
    counts();
  }

  // ------------------------------------------------------------------ epochs

  /** A plan is in force: its ranks are connected. Requests are taken once a step has succeeded. */
  public void start(Ranks newRanks) {
    if (ranks != null) {
      throw new IllegalStateException("epoch " + ranks.epoch() + " has not been stopped");
    }
    ranks = newRanks;
    practice = practice();
    drafting = new Drafting(limits.draftTokens());
    steps = 0;
    startedNanos = loop.nanoTime();
    pump();
  }

  /** The epoch is over: every request fails. */
  public void stop(ServiceException why) {
    open = false;
    ranks = null;
    cancelProbe();
    if (call != null) {
      call.cancelDeadline();
      call = null;
    }
    tell(news); // a step whose logits are awaited may have ended other sequences already
    news = new ArrayList<>();
    for (Sequence sequence : List.copyOf(running)) {
      fail(sequence, why);
    }
    for (Sequence sequence : List.copyOf(waiting)) {
      fail(sequence, why);
    }
  }

  /** Whether a step is under way. */
  public boolean stepping() {
    return call != null;
  }

  /** The latest step of the current epoch; 0 before the first. */
  public long step() {
    return steps;
  }

  // ------------------------------------------------------------------ steps

  /** Sends the next step, unless one is under way or there is nothing to do. */
  private void pump() {
    if (ranks == null || call != null) {
      return;
    }
    if (!open) {
      send(practice.entries(), ranks);
      return;
    }
    admit();
    List<Batch.Entry> entries = Batch.choose(running, limits, drafting);
    if (!entries.isEmpty()) {
      send(entries, ranks);
    } else if (!practised()) {
      send(practice.entries(), ranks);
    } else if (probe == null) {
      probe = loop.schedule(timeouts.probe(), this::probe);
    }
  }

  private void probe() {
    probe = null;
    if (ranks != null && call == null) {
      send(practice.entries(), ranks);
    }
  }

  private void admit() {
    while (!waiting.isEmpty() && running.size() < limits.maxRunning()) {
      Sequence first = waiting.getFirst();
      int blocks = Limits.blocksFor(first.positions());
      if (blocks > pool.free()) {
        return;
      }
      leave(first);
      first.blocks = pool.take(blocks);
      running.add(first);
      long now = loop.nanoTime();
      first.begin(now);
      metrics.admitted(now - first.acceptedNanos);
      counts();
    }
  }

  private void send(List<Batch.Entry> entries, Ranks to) {
    cancelProbe();
    Batch batch = Batch.of(to.epoch(), ++steps, entries, embeddings);
    Call sent = new Call(batch, to.plan(), loop.nanoTime());
    call = sent;
    await(sent, timeouts.step(), () -> "step " + sent.step());
    to.send(batch.step());
  }

  private void await(Call awaited, Duration limit, Supplier<String> what) {
    awaited.deadline =
        loop.schedule(
            limit,
            () -> {
              if (call == awaited) {
                giveUp(
                    (BitSet) awaited.missing.clone(),
                    "no answer to %s within %d ms".formatted(what.get(), limit.toMillis()));
              }
            });
  }

  private void giveUp(BitSet guilty, String what) {
    if (ranks != null) {
      ranks.failed(steps, guilty, what);
    }
  }

  private static BitSet only(int rank) {
    BitSet set = new BitSet();
    set.set(rank);
    return set;
  }

  /** A rank has answered a step of the current epoch. */
  public void onResult(int rank, StepResult result) {
    String problem = call == null ? "an answer that nobody awaits" : call.accept(rank, result);
    if (problem != null) {
      giveUp(only(rank), problem);
    } else if (call != null && call.missing.isEmpty()) {
      call.cancelDeadline();
      sample(call);
    } else if (call != null) {
      hurry(call);
    }
  }

  /**
   * Some rank has done the step, so all have sent their parts of its last exchange: an answer that
   * is missing waits for such a part, is on its way, or is lost with its rank. It gets no more time
   * than a part of an exchange would, which a packet that is lost many times in a row may take too:
   * that cannot be told from a rank that is gone.
   */
  private void hurry(Call answered) {
    Duration limit = timeouts.exchange();
    long left = timeouts.step().toNanos() - (loop.nanoTime() - answered.sentNanos);
    if (!answered.hurried && limit.toNanos() < left) {
      answered.hurried = true;
      answered.cancelDeadline();
      await(answered, limit, () -> "step %d after another rank's".formatted(answered.step()));
    }
  }

  /** A rank has sent logits. */
  public void onLogits(int rank, LogitsResult result) {
    String problem = call == null ? "logits that nobody awaits" : call.accept(rank, result);
    if (problem != null) {
      giveUp(only(rank), problem);
    } else if (call != null && call.missing.isEmpty()) {
      call.cancelDeadline();
      for (int run : call.undecided()) {
        Sequence sequence = call.batch.entries().get(run).sequence();
        if (sequence.finish == null && !sequence.told) {
          Distribution d = call.complete(run);
          accept(call, sequence, d, Sampler.choose(sampling(sequence), sequence.generated(), d));
        }
      }
      end(call);
    }
  }

  /** Every rank has answered: sequences move on, and tokens are chosen. */
  private void sample(Call answered) {
    long compute = answered.computeNanos();
    long exchange = answered.exchangeNanos();
    long nanos = loop.nanoTime() - answered.sentNanos;
    metrics.stepped(nanos, compute, exchange, answered.exchangeBytes());
    if (answered.batch.onlyDecodes()) {
      drafting.stepped(answered.batch.tokens(), nanos);
    }
    List<Batch.Entry> entries = answered.batch.entries();
    for (int run = 0; run < entries.size(); run++) {
      Sequence sequence = entries.get(run).sequence();
      if (sequence.finish != null || sequence.told) {
        continue; // cancelled meanwhile
      }
      if (sequence.generated() == 0 && !practice.has(sequence)) {
        metrics.prompted(entries.get(run).tokens());
      }
      sequence.advance(entries.get(run).tokens(), compute, exchange);
      if (entries.get(run).sampled()) {
        sample(answered, run, entries.get(run));
      }
    }
    if (answered.decided() || ranks == null) {
      end(answered);
      return;
    }
    await(answered, timeouts.logits(), () -> "the request for logits of step " + answered.step());
    for (int run : answered.undecided()) {
      metrics.fetchedLogits();
      ranks.send(
          FetchLogits.newBuilder()
              .setEpoch(ranks.epoch())
              .setStep(answered.step())
              .setRun(run)
              .setToken(answered.undecidedToken(run))
              .build());
    }
  }

  /**
   * Samples after a run's last token, and after each drafted one as long as the draft is what was
   * sampled. Where a draw needs all logits, what was drafted after it is forgotten.
   */
  private void sample(Call answered, int run, Batch.Entry entry) {
    Sequence sequence = entry.sequence();
    int[] draft = entry.draft();
    sequence.testing(draft.length);
    try {
      for (int right = 0; ; right++) {
        Distribution d = answered.distribution(run, right);
        int candidate = Sampler.choose(sampling(sequence), sequence.generated(), d);
        boolean decided = candidate != Sampler.ALL_NEEDED;
        if (decided) {
          accept(answered, sequence, d, candidate);
        } else {
          answered.await(run, right, d);
        }
        if (!decided
            || right == draft.length
            || d.id(candidate) != draft[right]
            || sequence.finish != null) {
          tested(sequence, draft.length, right);
          return;
        }
        sequence.confirm();
      }
    } catch (IllegalArgumentException e) {
      log.warn("sequence {}: step {}: {}", sequence.id, answered.step(), e.getMessage());
      if (practice.has(sequence)) {
        practice = practice();
        return;
      }
      fail(
          sequence,
          new ServiceException(
              ErrorCode.INTERNAL, "step %d: %s".formatted(answered.step(), e.getMessage())));
    }
  }

  private void tested(Sequence sequence, int drafted, int right) {
    sequence.tested(drafted, right);
    if (!practice.has(sequence)) {
      metrics.drafted(drafted, right);
    }
  }

  private Practice practice() {
    return new Practice(Math.min(limits.draftTokens(), limits.maxStepTokens() - 1));
  }

  private static SamplingOptions sampling(Sequence sequence) {
    return sequence.request.sampling();
  }

  private void accept(Call answered, Sequence sequence, Distribution d, int candidate) {
    int id = d.id(candidate);
    sequence.append(id, loop.nanoTime());
    if (practice.has(sequence)) {
      return;
    }
    answered.generated++;
    metrics.generated(sequence);
    GenerationRequest request = sequence.request;
    boolean ends = !request.ignoreEndOfGeneration() && endOfGeneration.test(id);
    if (!ends) {
      boolean logprobs = request.topLogprobs() >= 0;
      GeneratedToken token =
          new GeneratedToken(
              id,
              logprobs ? d.logprob(candidate) : Double.NaN,
              logprobs ? d.top(request.topLogprobs()) : List.of());
      news.add(() -> tellToken(sequence, token));
    }
    if (ends || sequence.generated() == request.maxTokens()) {
      FinishReason reason = ends ? FinishReason.STOP : FinishReason.LENGTH;
      finish(sequence, reason);
      Usage usage = sequence.usage();
      news.add(() -> tellEnd(sequence, reason, usage));
    }
  }

  /** The step is done; the next one leaves, and then the listeners are told of this one. */
  private void end(Call ended) {
    if (call != ended || ranks == null) {
      return;
    }
    long now = loop.nanoTime();
    if (ended.generated > 0 && ended.batch.onlyDecodes()) {
      metrics.decoded(
          ended.generated, now - ended.beganNanos, ended.computeNanos(), ended.exchangeNanos());
    }
    call = null;
    open = true;
    ranks.succeeded();
    // What is sent leaves in a task of its own, which stands before the one that tells.
    List<Runnable> told = news;
    news = new ArrayList<>();
    pump();
    if (call != null) {
      call.beganNanos = now;
    }
    tell(told);
  }

  /** Whether a plan has run so many steps that requests find compiled code, or for so long. */
  private boolean practised() {
    return steps >= limits.warmUpSteps() || loop.nanoTime() - startedNanos > PRACTICE_NANOS;
  }

  // ------------------------------------------------------------------ listeners

  private void tell(List<Runnable> told) {
    if (!told.isEmpty()) {
      loop.execute(() -> told.forEach(Runnable::run));
    }
  }

  private void tellToken(Sequence sequence, GeneratedToken token) {
    if (!sequence.cancelRequested && !sequence.told) {
      guard(sequence, () -> sequence.listener.onToken(token));
    }
  }

  private void tellEnd(Sequence sequence, FinishReason reason, Usage usage) {
    if (!sequence.told) {
      sequence.told = true;
      guard(sequence, () -> sequence.listener.onEnd(reason, usage));
    }
  }

  /** A listener that throws loses its request, and nobody else anything. */
  private void guard(Sequence sequence, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      log.error("sequence {}: the listener failed", sequence.id, e);
      if (!sequence.told) {
        fail(
            sequence,
            new ServiceException(ErrorCode.INTERNAL, "the listener failed: " + e, null, e));
      }
    }
  }

  private void cancelProbe() {
    if (probe != null) {
      probe.cancel();
      probe = null;
    }
  }

  private void counts() {
    metrics.running.set(running.size());
    metrics.freeBlocks.set(pool.free());
  }
}
