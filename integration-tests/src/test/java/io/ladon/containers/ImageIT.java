package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.command.InspectImageResponse;
import io.ladon.it.LadonCommand;
import io.ladon.testcontainers.LadonCluster;
import io.ladon.testcontainers.LadonWorker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container.ExecResult;

/** The image that users get. */
class ImageIT {

  private static final int TERMINATED = 128 + 15;

  private static final Path DASHBOARD =
      LadonCommand.root().resolve("deploy/helm/ladon/dashboards/ladon.json");

  private static Set<String> metricNames(String text) {
    return Pattern.compile("ladon_[a-z_]+")
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .collect(Collectors.toSet());
  }

  @Test
  void isSmallAndNotRoot() {
    InspectImageResponse image =
        DockerClientFactory.lazyClient().inspectImageCmd(Model.image()).exec();
    assertThat(image.getSize()).isLessThan(150_000_000L);
    assertThat(image.getConfig()).isNotNull();
    assertThat(image.getConfig().getUser()).isEqualTo("10001:10001");
    assertThat(image.getConfig().getHealthcheck()).isNotNull();
  }

  @Test
  void tellsItsHealthAndEndsOnTerm() throws Exception {
    try (LadonCluster cluster = Model.cluster("image", 1)) {
      cluster.start();
      new Chat(cluster).ask(Chat.QUESTIONS.getFirst());
      assertThat(metricNames(cluster.get("/metrics").body()))
          .as("metrics that the dashboard shows")
          .containsAll(metricNames(Files.readString(DASHBOARD)));
      LadonWorker worker = cluster.worker(0);
      ExecResult health = worker.exec("ladon", "health");
      assertThat(health.getStdout()).contains("worker listens at 127.0.0.1:7701");
      assertThat(health.getExitCode()).isZero();
      assertStartsFromItsArchive(worker);
      assertThat(worker.exec("id", "-u").getStdout().strip()).isEqualTo("10001");
      // Process 1 gets no signal that it does not handle: the engine would kill it after 20
      // seconds, with 137.
      assertThat(worker.stop()).isEqualTo(TERMINATED);
      assertThat(cluster.stopCoordinator()).isEqualTo(TERMINATED);
    }
  }

  /** The JVM says nothing of an archive that does not fit, and starts slowly without it. */
  private static void assertStartsFromItsArchive(LadonWorker worker) throws Exception {
    assertThat(worker.exec("cat", "/proc/1/maps").getStdout()).contains("/opt/ladon/ladon.jsa");
    ExecResult start =
        worker.exec(
            "env", "LADON_JAVA_OPTS=-Xshare:on -Xlog:class+load", "ladon", "worker", "--help");
    assertThat(start.getExitCode()).as("-Xshare:on: %s", start.getStdout()).isZero();
    assertThat(
            start
                .getStdout()
                .lines()
                .filter(line -> line.contains("io.ladon.") && line.contains(" source: ")))
        .isNotEmpty()
        .allSatisfy(line -> assertThat(line).doesNotContain("source: file:"));
  }
}
