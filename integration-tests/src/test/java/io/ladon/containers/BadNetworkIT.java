package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.containers.Chat.Answer;
import io.ladon.testcontainers.LadonCluster;
import io.ladon.testcontainers.LadonWorker;
import io.ladon.testcontainers.Link;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A network that is slow, narrow, loses packets or is gone for a while makes answers late, never
 * different, and nobody is lost.
 */
class BadNetworkIT {

  private static final String QUESTION = Chat.QUESTIONS.getFirst();
  private static final String ONE_TOKEN = "The";
  private static final String EPOCH = "ladon_cluster_epoch";
  private static final int COORDINATOR_PORT = 7700;
  private static final int PEER_PORT = 7701;
  private static final String ALMOST_EVERY_THIRD = " -m statistic --mode random --probability 0.3";
  private static final String ALL = "";

  /**
   * With every loss costing a whole second, the longest pause, a step takes 65 s on average and one
   * in 10^16 takes longer than this.
   */
  private static final Duration STEP = Duration.ofSeconds(160);

  /** Longer than TCP would try by itself. */
  private static final Duration PEERS_OUTAGE = Duration.ofSeconds(15);

  private static final Duration SILENCE = Duration.ofSeconds(18);

  /** Shorter than the silence that ends a membership, by more than the longest wait of TCP's. */
  private static final Duration COORDINATOR_OUTAGE = Duration.ofSeconds(14);

  private static LadonCluster cluster;
  private static Chat chat;
  private static String oneToken;
  private static long oneTokenNanos = Long.MAX_VALUE;
  private static long questionNanos = Long.MAX_VALUE;

  private double epoch;

  @BeforeAll
  static void start() throws Exception {
    // Packets that are lost many times in a row: the usual timeouts would pass by chance.
    cluster =
        Model.cluster("bad-network", 2)
            .withCoordinatorOptions(
                "--exchange-timeout",
                "120",
                "--step-timeout",
                Long.toString(STEP.toSeconds()),
                "--silence-timeout",
                Long.toString(SILENCE.toSeconds()));
    cluster.start();
    // An answer of one token has two steps; the cluster gives up before its client does.
    chat = new Chat(cluster, STEP.multipliedBy(2));
    Answer expected = Model.expected().getFirst();
    oneToken = chat.complete(ONE_TOKEN, 2);
    for (int i = 0; i < 3; i++) { // the quickest, for whatever else keeps this machine busy
      long begin = System.nanoTime();
      assertThat(chat.ask(QUESTION)).isEqualTo(expected);
      questionNanos = Math.min(questionNanos, System.nanoTime() - begin);
      begin = System.nanoTime();
      assertThat(chat.complete(ONE_TOKEN, 2)).isEqualTo(oneToken);
      oneTokenNanos = Math.min(oneTokenNanos, System.nanoTime() - begin);
    }
  }

  @AfterAll
  static void stop() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @BeforeEach
  void noteEpoch() throws Exception {
    epoch = Health.metric(cluster, EPOCH);
  }

  @AfterEach
  void nobodyWasLost() throws Exception {
    loseNoMore();
    cluster.awaitReady(Duration.ofSeconds(30));
    assertThat(Health.metric(cluster, EPOCH)).as("epoch").isEqualTo(epoch);
  }

  @Test
  void delayWithJitter() throws Exception {
    try (LadonCluster slow =
        Model.cluster("delay", 2)
            .withLink(Link.ofDelay(Duration.ofMillis(5), Duration.ofMillis(3)))) {
      slow.start();
      long begin = System.nanoTime();
      assertThat(new Chat(slow).ask(QUESTION)).isEqualTo(Model.expected().getFirst());
      // Each of its steps has two exchanges a layer, of which each takes 5 ms at least.
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isGreaterThan(Duration.ofMillis(Chat.TOKENS * 30 * 2 * 5));
    }
  }

  @Test
  void tenMegabitsPerSecond() throws Exception {
    for (LadonWorker worker : cluster.workers()) {
      String limit = "rate 10mbit burst 32kbit latency 400ms";
      inNetworkOf(worker.pid(), "tc qdisc add dev eth0 root tbf " + limit);
    }
    assertThat(chat.ask(QUESTION)).isEqualTo(Model.expected().getFirst());
    for (LadonWorker worker : cluster.workers()) {
      assertThat(inNetworkOf(worker.pid(), "tc -s qdisc show dev eth0"))
          .as("packets had to wait")
          .doesNotContain("overlimits 0 ");
      inNetworkOf(worker.pid(), "tc qdisc del dev eth0 root");
    }
  }

  @Test
  void almostEveryThirdPacketBetweenRanksIsLost() throws Exception {
    lose(workers(), PEER_PORT, ALMOST_EVERY_THIRD);
    // One token a step: each packet more is one more to lose, 60 times a step.
    answersOneTokenLate();
  }

  @Test
  void almostEveryThirdPacketBetweenRanksAndCoordinatorIsLost() throws Exception {
    lose(nodes(), COORDINATOR_PORT, ALMOST_EVERY_THIRD);
    long begin = System.nanoTime();
    assertThat(chat.ask(QUESTION)).isEqualTo(Model.expected().getFirst());
    assertLater(System.nanoTime() - begin, questionNanos);
  }

  @Test
  void almostEveryThirdPacketIsLost() throws Exception {
    lose(workers(), PEER_PORT, ALMOST_EVERY_THIRD);
    lose(nodes(), COORDINATOR_PORT, ALMOST_EVERY_THIRD);
    answersOneTokenLate();
  }

  @Test
  void ranksAreOutOfEachOthersReachForAWhile() throws Exception {
    outage(workers(), PEER_PORT, PEERS_OUTAGE);
  }

  @Test
  void ranksAreOutOfTheCoordinatorsReachForAWhile() throws Exception {
    outage(nodes(), COORDINATOR_PORT, COORDINATOR_OUTAGE);
  }

  private static void answersOneTokenLate() throws Exception {
    long begin = System.nanoTime();
    assertThat(chat.complete(ONE_TOKEN, 2)).isEqualTo(oneToken);
    assertLater(System.nanoTime() - begin, oneTokenNanos);
  }

  private static void assertLater(long nanos, long wellNanos) throws Exception {
    System.out.printf("30 %% loss: %d ms, was %d ms%n", nanos / 1_000_000, wellNanos / 1_000_000);
    assertThat(nanos).as("slower").isGreaterThan(wellNanos);
    for (LadonWorker worker : cluster.workers()) {
      assertThat(inNetworkOf(worker.pid(), "iptables -L INPUT -v -x -n"))
          .as("packets were lost")
          .containsPattern("(?m)^\\s*[1-9]\\d*\\s+\\d+\\s+DROP");
    }
  }

  private static void outage(List<Long> nodes, int port, Duration length) throws Exception {
    lose(nodes, port, ALL);
    try (ExecutorService background = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<String> text = background.submit(() -> chat.complete(ONE_TOKEN, 2));
      Thread.sleep(length);
      assertThat(text.isDone()).isFalse();
      loseNoMore();
      assertThat(text.get(Chat.LIMIT.toSeconds(), TimeUnit.SECONDS)).isEqualTo(oneToken);
    }
  }

  /** Nodes lose of the packets that reach them, to and from a port. */
  private static void lose(List<Long> nodes, int port, String which) throws Exception {
    for (long pid : nodes) {
      inNetworkOf(pid, "iptables -A INPUT -p tcp --dport " + port + which + " -j DROP");
      inNetworkOf(pid, "iptables -A INPUT -p tcp --sport " + port + which + " -j DROP");
    }
  }

  private static void loseNoMore() throws Exception {
    for (long pid : nodes()) {
      inNetworkOf(pid, "iptables -F INPUT");
    }
  }

  /** The first processes of the workers. */
  private static List<Long> workers() {
    return cluster.workers().stream().map(LadonWorker::pid).toList();
  }

  /** The first processes of the coordinator and of the workers. */
  private static List<Long> nodes() {
    List<Long> pids = new ArrayList<>(workers());
    pids.add(cluster.coordinatorPid());
    return pids;
  }

  /** Runs a command of this machine in the network of a process; needs root. */
  private static String inNetworkOf(long pid, String command) throws Exception {
    List<String> all = new ArrayList<>(List.of("nsenter", "-t", Long.toString(pid), "-n", "--"));
    all.addAll(List.of(command.split(" ")));
    Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError(command + " does not end");
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as("%s: %s", command, output).isZero();
    return output;
  }
}
