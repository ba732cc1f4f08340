package io.ladon.coordinator.schedule;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What the scheduler counts. Gauges may be read by any thread. */
public final class SchedulerMetrics {

  final AtomicInteger running = new AtomicInteger();
  final AtomicInteger queued = new AtomicInteger();
  final AtomicInteger freeBlocks = new AtomicInteger();

  private final MeterRegistry registry;
  private final Timer step;
  private final Timer queueWait;
  private final Timer timeToFirstToken;
  private final Counter promptTokens;
  private final Counter generatedTokens;
  private final Counter decodedTokens;
  private final Counter decodeSeconds;
  private final Counter decodeComputeSeconds;
  private final Counter decodeExchangeSeconds;
  private final Counter computeSeconds;
  private final Counter exchangeSeconds;
  private final Counter exchangeBytes;
  private final Counter fullLogits;
  private final Counter draftedTokens;
  private final Counter acceptedTokens;

  public SchedulerMetrics(MeterRegistry registry, int totalBlocks) {
    this.registry = registry;
    freeBlocks.set(totalBlocks);
    Gauge.builder("ladon.requests.running", running, AtomicInteger::get)
        .description("Requests that hold KV blocks")
        .register(registry);
    Gauge.builder("ladon.requests.queued", queued, AtomicInteger::get)
        .description("Requests that wait for KV blocks")
        .register(registry);
    Gauge.builder("ladon.kv.blocks.free", freeBlocks, AtomicInteger::get)
        .description("KV blocks of 16 positions that no request holds")
        .register(registry);
    Gauge.builder("ladon.kv.blocks.total", () -> totalBlocks)
        .description("KV blocks of 16 positions")
        .register(registry);
    step =
        Timer.builder("ladon.step")
            .description("From sending a step to the last rank's answer")
            .serviceLevelObjectives(
                Duration.ofMillis(1),
                Duration.ofMillis(3),
                Duration.ofMillis(10),
                Duration.ofMillis(30),
                Duration.ofMillis(100),
                Duration.ofMillis(300),
                Duration.ofSeconds(1),
                Duration.ofSeconds(3))
            .register(registry);
    queueWait =
        Timer.builder("ladon.queue.wait")
            .description("From accepting a request to its first step")
            .register(registry);
    timeToFirstToken =
        Timer.builder("ladon.time.to.first.token")
            .description("From accepting a request to its first token")
            .register(registry);
    promptTokens = counter("ladon.tokens.prompt", "Prompt tokens that were computed");
    generatedTokens = counter("ladon.tokens.generated", "Tokens that were sampled");
    decodedTokens =
        counter("ladon.decode.tokens", "Tokens that were sampled in steps without prompts");
    decodeSeconds =
        counter(
            "ladon.decode.seconds",
            "Time from one step to the next, of those in which tokens were sampled and no prompts computed");
    decodeComputeSeconds =
        counter("ladon.decode.rank.step.seconds", "Of these steps, the time of all ranks in them");
    decodeExchangeSeconds =
        counter(
            "ladon.decode.rank.exchange.seconds",
            "Of these steps, the time of all ranks in exchanges");
    computeSeconds =
        counter("ladon.rank.step.seconds", "Time of all ranks in steps, exchanges included");
    exchangeSeconds = counter("ladon.rank.exchange.seconds", "Time of all ranks in exchanges");
    exchangeBytes = counter("ladon.rank.exchange.bytes", "Bytes that ranks sent to each other");
    draftedTokens =
        counter("ladon.tokens.drafted", "Tokens that were tested as the text made them probable");
    acceptedTokens =
        counter("ladon.tokens.drafted.accepted", "Of the drafted tokens, those that were right");
    fullLogits =
        counter("ladon.logits.fetched", "Draws for which all logits were fetched from the ranks");
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  /** Requests that hold KV blocks. */
  public int running() {
    return running.get();
  }

  /** Requests that wait for KV blocks. */
  public int queued() {
    return queued.get();
  }

  /** KV blocks that no request holds. */
  public int freeBlocks() {
    return freeBlocks.get();
  }

  void stepped(long nanos, long rankNanos, long rankExchangeNanos, long bytes) {
    step.record(nanos, TimeUnit.NANOSECONDS);
    computeSeconds.increment(rankNanos * 1e-9);
    exchangeSeconds.increment(rankExchangeNanos * 1e-9);
    exchangeBytes.increment((double) bytes);
  }

  void admitted(long waitedNanos) {
    queueWait.record(waitedNanos, TimeUnit.NANOSECONDS);
  }

  void prompted(int tokens) {
    promptTokens.increment(tokens);
  }

  void generated(Sequence sequence) {
    generatedTokens.increment();
    if (sequence.generated() == 1) {
      timeToFirstToken.record(sequence.timeToFirstToken());
    }
  }

  /** A step without prompts is done. */
  void decoded(int tokens, long nanos, long rankNanos, long rankExchangeNanos) {
    decodedTokens.increment(tokens);
    decodeSeconds.increment(nanos * 1e-9);
    decodeComputeSeconds.increment(rankNanos * 1e-9);
    decodeExchangeSeconds.increment(rankExchangeNanos * 1e-9);
  }

  void drafted(int tokens, int right) {
    if (tokens > 0) {
      draftedTokens.increment(tokens);
      acceptedTokens.increment(right);
    }
  }

  void fetchedLogits() {
    fullLogits.increment();
  }

  void ended(Enum<?> outcome) {
    Counter.builder("ladon.requests")
        .description("Requests that ended, by outcome")
        .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
        .register(registry)
        .increment();
  }
}
