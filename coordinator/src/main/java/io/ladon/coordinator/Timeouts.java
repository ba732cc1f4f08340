package io.ladon.coordinator;

import java.time.Duration;

/**
 * How long anything may take.
 *
 * @param hello from a worker's connection to its Hello
 * @param heartbeat between two Pings to a worker
 * @param silence without a word from a worker that ends its membership
 * @param load of all shards of a plan
 * @param connect of all ranks with their peers
 * @param exchange one rank's wait for another's part of an exchange
 * @param step from sending a step to the last rank's answer
 * @param logits from asking for all logits to the last rank's answer
 * @param queue a request's wait for KV blocks
 * @param probe pause after which an idle cluster proves itself with a step
 * @param ready how long a step that succeeded makes the cluster ready
 * @param replan pause before a new plan after one that failed; doubles up to 16 times this while
 *     plans go on failing
 */
public record Timeouts(
    Duration hello,
    Duration heartbeat,
    Duration silence,
    Duration load,
    Duration connect,
    Duration exchange,
    Duration step,
    Duration logits,
    Duration queue,
    Duration probe,
    Duration ready,
    Duration replan) {

  public Timeouts {
    positive("hello", hello);
    positive("heartbeat", heartbeat);
    positive("silence", silence);
    positive("load", load);
    positive("connect", connect);
    positive("exchange", exchange);
    positive("step", step);
    positive("logits", logits);
    positive("queue", queue);
    positive("probe", probe);
    positive("ready", ready);
    positive("replan", replan);
    if (silence.compareTo(heartbeat) <= 0) {
      throw new IllegalArgumentException(
          "silence (%s) must be longer than heartbeat (%s)".formatted(silence, heartbeat));
    }
    if (ready.compareTo(probe) <= 0) {
      throw new IllegalArgumentException(
          "ready (%s) must be longer than probe (%s)".formatted(ready, probe));
    }
  }

  /** What is used unless told otherwise. */
  public static Timeouts defaults() {
    return new Timeouts(
        Duration.ofSeconds(5),
        Duration.ofSeconds(1),
        Duration.ofSeconds(10),
        Duration.ofMinutes(10),
        Duration.ofSeconds(30),
        Duration.ofSeconds(5),
        Duration.ofSeconds(60),
        Duration.ofSeconds(5),
        Duration.ofMinutes(5),
        Duration.ofSeconds(2),
        Duration.ofSeconds(10),
        Duration.ofMillis(250));
  }

  /** These with another limit of an exchange. */
  public Timeouts withExchange(Duration limit) {
    return new Timeouts(
        hello, heartbeat, silence, load, connect, limit, step, logits, queue, probe, ready, replan);
  }

  /** These with another limit of a step. */
  public Timeouts withStep(Duration limit) {
    return new Timeouts(
        hello, heartbeat, silence, load, connect, exchange, limit, logits, queue, probe, ready,
        replan);
  }

  /** These with another limit of a load. */
  public Timeouts withLoad(Duration limit) {
    return new Timeouts(
        hello, heartbeat, silence, limit, connect, exchange, step, logits, queue, probe, ready,
        replan);
  }

  /** These with another silence that ends a membership. */
  public Timeouts withSilence(Duration limit) {
    return withHeartbeat(heartbeat, limit);
  }

  /** These with another heartbeat, and the silence that ends a membership. */
  public Timeouts withHeartbeat(Duration pause, Duration limit) {
    return new Timeouts(
        hello, pause, limit, load, connect, exchange, step, logits, queue, probe, ready, replan);
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + " must be longer than nothing, not " + value);
    }
  }
}
