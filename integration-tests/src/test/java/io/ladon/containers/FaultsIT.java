package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.openai.errors.OpenAIException;
import io.ladon.containers.Chat.Answer;
import io.ladon.testcontainers.LadonCluster;
import io.ladon.testcontainers.LadonWorker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A worker that is killed, frozen or cut off: clients are told, and the cluster comes back by
 * itself.
 */
class FaultsIT {

  private static final Duration EXCHANGE = Duration.ofSeconds(5);

  /** After the exchange's deadline: for the error's way to the client, on a busy machine. */
  private static final Duration GRACE = Duration.ofSeconds(3);

  private static final Duration RECOVERY = Duration.ofSeconds(10);
  private static final String LONG_QUESTION =
      "Summarise this: "
          + "the serpent of the sea has a hundred heads and each sings. ".repeat(120);
  private static final String LOST = "ladon_requests_total{outcome=\"worker_lost\"}";
  private static final String GENERATED = "ladon_tokens_generated_total";

  private static LadonCluster cluster;
  private static Chat chat;

  /** What happens to a worker, and how it is undone. */
  enum Fault {
    KILL,
    PAUSE,
    DISCONNECT;

    void happenTo(LadonWorker worker) {
      switch (this) {
        case KILL -> worker.kill();
        case PAUSE -> worker.pause();
        case DISCONNECT -> worker.disconnect();
      }
    }

    void undo(LadonWorker worker) {
      switch (this) {
        case KILL -> worker.start();
        case PAUSE -> worker.unpause();
        case DISCONNECT -> worker.connect();
      }
    }
  }

  @BeforeAll
  static void start() throws Exception {
    // A worker that comes back serves at once here, and compiles its code while it does.
    cluster =
        Model.cluster("faults", 3)
            .withWorkerOptions("--no-warm-up")
            .withCoordinatorOptions(
                "--warm-up-steps", "1", "--exchange-timeout", Long.toString(EXCHANGE.toSeconds()));
    cluster.start();
    chat = new Chat(cluster);
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void inPrefill(Fault fault) throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    double generated =
        check(
            fault,
            cluster.worker(1),
            () -> chat.ask(LONG_QUESTION, 4),
            begun,
            () -> {
              Health.awaitMetric(cluster, "ladon_requests_running", 1, Duration.ofSeconds(10));
              begun.countDown();
            });
    assertThat(generated).as("tokens before it happened").isZero();
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void inTheMiddleOfAStream(Fault fault) throws Exception {
    CountDownLatch begun = new CountDownLatch(3);
    double generated =
        check(
            fault,
            cluster.worker(2),
            () -> chat.stream("Tell me a very long story.", 1500, text -> begun.countDown()),
            begun,
            () -> {});
    assertThat(generated).as("tokens before it happened").isPositive();
  }

  /** Something of a test that may fail. */
  private interface Action {
    void run() throws Exception;
  }

  private interface Request {
    Answer send() throws Exception;
  }

  /** Gives how many tokens the request got before it failed. */
  private static double check(
      Fault fault, LadonWorker worker, Request request, CountDownLatch begun, Action watch)
      throws Exception {
    Answer before = chat.ask(Chat.QUESTIONS.getFirst());
    assertThat(before).isEqualTo(Model.expected().getFirst());
    int rank = Health.worker(cluster, worker.name()).get("rank").intValue();
    double lost = Health.metricIfAny(cluster, LOST).orElse(0);
    double generated = Health.metric(cluster, GENERATED);
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      Future<Answer> answer = executor.submit(request::send);
      watch.run();
      assertThat(begun.await(60, TimeUnit.SECONDS)).as("the request runs").isTrue();
      fault.happenTo(worker);
      long failed = System.nanoTime();
      assertThat(messageOf(answer))
          .as("told within the deadline of an exchange")
          .contains("rank " + rank)
          .contains(worker.name());
      assertThat(Duration.ofNanos(System.nanoTime() - failed)).isLessThan(EXCHANGE.plus(GRACE));
      assertThat(cluster.isReady()).as("ready without %s", worker.name()).isFalse();
      assertThat(Health.metric(cluster, "ladon_cluster_ready")).isZero();
      assertThat(Health.metric(cluster, LOST)).isEqualTo(lost + 1);
      generated = Health.metric(cluster, GENERATED) - generated;
    } finally {
      fault.undo(worker);
    }
    long remedied = System.nanoTime();
    cluster.awaitReady(Duration.ofSeconds(60));
    Duration recovery = Duration.ofNanos(System.nanoTime() - remedied);
    System.out.printf("%s: serves again after %d ms%n", fault, recovery.toMillis());
    assertThat(recovery).isLessThan(RECOVERY);
    assertThat(Health.metric(cluster, "ladon_cluster_ready")).isEqualTo(1);
    assertThat(chat.ask(Chat.QUESTIONS.getFirst())).isEqualTo(before);
    return generated;
  }

  private static String messageOf(Future<Answer> answer) throws Exception {
    try {
      Answer whole = answer.get(EXCHANGE.plus(GRACE).toMillis(), TimeUnit.MILLISECONDS);
      throw new AssertionError("an answer although a rank was missing: " + whole);
    } catch (ExecutionException e) {
      assertThat(e.getCause()).isInstanceOf(OpenAIException.class);
      return String.valueOf(e.getCause().getMessage());
    }
  }
}
