package io.ladon.testcontainers;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.model.HealthCheck;
import com.github.dockerjava.api.model.HostConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.containers.output.OutputFrame;
import org.testcontainers.containers.wait.strategy.AbstractWaitStrategy;
import org.testcontainers.utility.DockerImageName;

/** One container of a cluster. */
class Node {

  /** On every container of every cluster, so that what a killed test leaves can be found. */
  static final String LABEL = "io.ladon.testcontainers";

  /** Its value, by which a test run's own can be told from another's. */
  static final String RUN = Objects.requireNonNullElse(System.getenv("CONTAINER_RUN"), "");

  /**
   * Nobody asks for the containers' health here: the image's check would start a JVM in each of
   * them every 15 seconds, all at once.
   */
  private static final HealthCheck NO_CHECK = new HealthCheck().withTest(List.of("NONE"));

  final String name;
  final GenericContainer<?> container;
  private final Path log;
  private final StringBuilder output = new StringBuilder();

  /**
   * @param logs folder that its output is also written to, as it comes
   */
  Node(String name, String image, Network network, Path logs, List<String> command) {
    this.name = name;
    this.log = logs.resolve(name + ".log");
    this.container =
        new GenericContainer<>(DockerImageName.parse(image))
            .withNetwork(network)
            .withNetworkAliases(name)
            .withLabel(LABEL, RUN)
            .withCommand(command.toArray(String[]::new))
            .withCreateContainerCmdModifier(create -> create.withHealthcheck(NO_CHECK))
            .withLogConsumer(this::log)
            .waitingFor(new Created());
  }

  /** Nothing is waited for here: the cluster is ready when its coordinator says so. */
  private static final class Created extends AbstractWaitStrategy {
    @Override
    protected void waitUntilReady() {}
  }

  private synchronized void log(OutputFrame frame) {
    String text = frame.getUtf8String();
    output.append(text);
    try {
      Files.writeString(
          log, text, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static HostConfig hostConfig(CreateContainerCmd command) {
    return Objects.requireNonNull(command.getHostConfig(), "hostConfig");
  }

  static DockerClient docker() {
    return DockerClientFactory.lazyClient();
  }

  String id() {
    return container.getContainerId();
  }

  /** Everything that it has written so far. */
  synchronized String output() {
    return output.toString();
  }

  /** Its last lines, under its name. */
  String tail(int lines) {
    List<String> all = output().lines().toList();
    return "--- %s\n%s"
        .formatted(
            name, String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size())));
  }

  ExecResult exec(String... command) throws IOException, InterruptedException {
    return container.execInContainer(command);
  }

  boolean isRunning() {
    return Boolean.TRUE.equals(docker().inspectContainerCmd(id()).exec().getState().getRunning());
  }

  /** Follows its output again after a start: the stream of the former one has ended with it. */
  void follow() {
    container.followOutput(this::log);
  }

  /** Removes it, with its volume. */
  void close() {
    if (container.getContainerId() == null) {
      return;
    }
    try {
      docker().unpauseContainerCmd(id()).exec();
    } catch (RuntimeException e) {
      // It was not paused, or is gone.
    }
    container.stop();
  }
}
