package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.testcontainers.LadonCluster;
import io.ladon.testcontainers.LadonWorker;
import io.ladon.testcontainers.Link;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A network that is slow, narrow or loses packets makes answers late, never different. */
class BadNetworkIT {

  private static final String QUESTION = Chat.QUESTIONS.getFirst();
  private static final String SHORT_PROMPT = "The sea";

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
  void aNarrowNetworkAndOneThatLosesPackets() throws Exception {
    // TCP waits twice as long after each loss in a row: the usual 5 seconds would pass by chance.
    try (LadonCluster cluster =
        Model.cluster("bad-network", 2)
            .withCoordinatorOptions("--exchange-timeout", "120", "--step-timeout", "160")) {
      cluster.start();
      Chat chat = new Chat(cluster);
      tenMegabitsPerSecond(cluster.workers(), chat);
      almostEveryThirdPacketLost(cluster.workers(), chat);
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
  private static void almostEveryThirdPacketLost(List<LadonWorker> workers, Chat chat)
      throws Exception {
    String before = chat.complete(SHORT_PROMPT, 2);
    for (LadonWorker worker : workers) {
      String loss = "-m statistic --mode random --probability 0.3 -j DROP";
      inNetworkOf(worker, "iptables -A INPUT -p tcp --dport 7701 " + loss);
      inNetworkOf(worker, "iptables -A INPUT -p tcp --sport 7701 " + loss);
    }
    // A prompt of few tokens: each packet more is one more to lose, 60 times a step.
    assertThat(chat.complete(SHORT_PROMPT, 2)).isEqualTo(before);
    for (LadonWorker worker : workers) {
      assertThat(inNetworkOf(worker, "iptables -L INPUT -v -x -n"))
          .as("packets were lost")
          .containsPattern("(?m)^\\s*[1-9]\\d*\\s+\\d+\\s+DROP");
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
