package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.api.Test;

/** A network that is slow, narrow or loses packets makes answers late, never different. */
class BadNetworkIT {

  private static final String QUESTION = Chat.QUESTIONS.getFirst();
  private static final String ONE_TOKEN = "The";
  private static final Duration OUTAGE = Duration.ofSeconds(18);

  /**
   * With every loss costing a whole second, the longest pause, a step takes 65 s on average and one
   * in 10^16 takes longer than this.
   */
  private static final Duration STEP = Duration.ofSeconds(160);

  @Test
  void delayWithJitter() throws Exception {
    try (LadonCluster cluster =
        Model.cluster("delay", 2)
            .withLink(Link.ofDelay(Duration.ofMillis(5), Duration.ofMillis(3)))) {
      cluster.start();
      long begin = System.nanoTime();
      assertThat(new Chat(cluster).ask(QUESTION)).isEqualTo(Model.expected().getFirst());
      // Each of its steps has two exchanges a layer, of which each takes 5 ms at least.
      assertThat(Duration.ofNanos(System.nanoTime() - begin))
          .isGreaterThan(Duration.ofMillis(Chat.TOKENS * 30 * 2 * 5));
    }
  }

  @Test
  void aNarrowNetworkOneThatLosesPacketsAndOneThatIsGoneForAWhile() throws Exception {
    // TCP waits twice as long after each loss in a row: the usual 5 seconds would pass by chance.
    try (LadonCluster cluster =
        Model.cluster("bad-network", 2)
            .withCoordinatorOptions(
                "--exchange-timeout", "120", "--step-timeout", Long.toString(STEP.toSeconds()))) {
      cluster.start();
      // An answer has two steps: whatever takes too long, it is the cluster that says so.
      Chat chat = new Chat(cluster, STEP.multipliedBy(2));
      tenMegabitsPerSecond(cluster.workers(), chat);
      long begin = System.nanoTime();
      String text = chat.complete(ONE_TOKEN, 2);
      long well = System.nanoTime() - begin;
      begin = System.nanoTime();
      assertThat(almostEveryThirdPacketLost(cluster.workers(), chat)).isEqualTo(text);
      long bad = System.nanoTime() - begin;
      System.out.printf("30 %% loss: %d ms, was %d ms%n", bad / 1_000_000, well / 1_000_000);
      assertThat(bad).as("slower").isGreaterThan(well);
      assertThat(nothingForAWhile(cluster.workers(), chat)).isEqualTo(text);
    }
  }

  private static void tenMegabitsPerSecond(List<LadonWorker> workers, Chat chat) throws Exception {
    for (LadonWorker worker : workers) {
      String limit = "rate 10mbit burst 32kbit latency 400ms";
      inNetworkOf(worker, "tc qdisc add dev eth0 root tbf " + limit);
    }
    assertThat(chat.ask(QUESTION)).isEqualTo(Model.expected().getFirst());
    for (LadonWorker worker : workers) {
      assertThat(inNetworkOf(worker, "tc -s qdisc show dev eth0"))
          .as("packets had to wait")
          .doesNotContain("overlimits 0 ");
      inNetworkOf(worker, "tc qdisc del dev eth0 root");
    }
  }

  /** Between the workers: 30 % of all packets, at random. */
  private static String almostEveryThirdPacketLost(List<LadonWorker> workers, Chat chat)
      throws Exception {
    lose(workers, " -m statistic --mode random --probability 0.3");
    // One token a step: each packet more is one more to lose, 60 times a step.
    String text = chat.complete(ONE_TOKEN, 2);
    for (LadonWorker worker : workers) {
      assertThat(inNetworkOf(worker, "iptables -L INPUT -v -x -n"))
          .as("packets were lost")
          .containsPattern("(?m)^\\s*[1-9]\\d*\\s+\\d+\\s+DROP");
    }
    loseNoMore(workers);
    return text;
  }

  /** Between the workers, for longer than TCP would try by itself. */
  private static String nothingForAWhile(List<LadonWorker> workers, Chat chat) throws Exception {
    lose(workers, "");
    try (ExecutorService background = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<String> text = background.submit(() -> chat.complete(ONE_TOKEN, 2));
      Thread.sleep(OUTAGE);
      assertThat(text.isDone()).isFalse();
      loseNoMore(workers);
      return text.get(Chat.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private static void lose(List<LadonWorker> workers, String which) throws Exception {
    for (LadonWorker worker : workers) {
      inNetworkOf(worker, "iptables -A INPUT -p tcp --dport 7701" + which + " -j DROP");
      inNetworkOf(worker, "iptables -A INPUT -p tcp --sport 7701" + which + " -j DROP");
    }
  }

  private static void loseNoMore(List<LadonWorker> workers) throws Exception {
    for (LadonWorker worker : workers) {
      inNetworkOf(worker, "iptables -F INPUT");
    }
  }

  /** Runs a command of this machine in the network of a container; needs root. */
  private static String inNetworkOf(LadonWorker worker, String command) throws Exception {
    List<String> all =
        new ArrayList<>(List.of("nsenter", "-t", Long.toString(worker.pid()), "-n", "--"));
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
