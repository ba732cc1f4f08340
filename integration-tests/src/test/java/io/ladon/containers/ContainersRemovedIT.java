package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.dockerjava.api.DockerClient;
import io.ladon.testcontainers.LadonCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.engine.JupiterTestEngine;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;

/** Nothing is left over, whatever comes of a test; but the logs are. */
class ContainersRemovedIT {

  private static final String LABEL = "io.ladon.testcontainers";

  private static final Path LOGS = Path.of("target", "containers", "failing-test");

  /** A user's test that fails. Run by the test below only: its name matches no pattern. */
  @Testcontainers
  static class FailingUserTest {
    @Container
    private final LadonCluster cluster =
        LadonCluster.withWorkers(1).withModel(model()).withLogs(LOGS);

    private static Path model() {
      try {
        return Model.file();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }

    @Test
    void fails() {
      cluster.worker(0).pause();
      throw new AssertionError("as intended: the cluster was at " + cluster.baseUrl());
    }
  }

  private static Set<String> leftOver() {
    DockerClient docker = DockerClientFactory.lazyClient();
    Set<String> left = new TreeSet<>();
    docker
        .listContainersCmd()
        .withShowAll(true)
        .withLabelFilter(List.of(LABEL))
        .exec()
        .forEach(container -> left.add("container " + container.getId()));
    docker.listNetworksCmd().exec().stream()
        .filter(network -> network.labels.containsKey(LABEL))
        .forEach(network -> left.add("network " + network.getId()));
    List<com.github.dockerjava.api.command.InspectVolumeResponse> volumes =
        docker.listVolumesCmd().exec().getVolumes();
    volumes.forEach(volume -> left.add("volume " + volume.getName()));
    return left;
  }

  @Test
  void afterATestThatFailsOnlyTheLogsAreLeft() throws Exception {
    Set<String> before = leftOver();
    EngineTestKit.engine(new JupiterTestEngine())
        .selectors(DiscoverySelectors.selectClass(FailingUserTest.class))
        .execute()
        .testEvents()
        .assertStatistics(stats -> stats.started(1).failed(1));
    assertThat(leftOver()).isEqualTo(before);
    assertThat(Files.readString(LOGS.resolve("coordinator.log"))).contains("epoch 1 serves");
    assertThat(Files.readString(LOGS.resolve("worker-0.log"))).contains("event=loaded");
  }

  @Test
  void aClusterThatDoesNotStartSaysWhyAndLeavesNothing() throws Exception {
    Set<String> before = leftOver();
    LadonCluster cluster =
        Model.cluster("not-starting", 1)
            .withWorkerOptions("--kernels", "no-such-kernels")
            .withStartupTimeout(Duration.ofSeconds(5));
    assertThatThrownBy(cluster::start)
        .hasMessageContaining("not ready within")
        .hasMessageContaining("no-such-kernels");
    assertThat(leftOver()).isEqualTo(before);
  }
}
