package io.ladon.testcontainers;

import com.github.dockerjava.api.model.ContainerNetwork;
import java.io.IOException;
import java.util.Locale;
import org.testcontainers.containers.Container.ExecResult;

/** A worker's container, and what can happen to it. */
public final class LadonWorker {

  private static final int STOP_SECONDS = 20;

  private final Node node;
  private final String networkId;

  LadonWorker(Node node, String networkId) {
    this.node = node;
    this.networkId = networkId;
  }

  /** What it is called on the network, and in the coordinator's messages and health. */
  public String name() {
    return node.name;
  }

  /** The engine's id of its container. */
  public String containerId() {
    return node.id();
  }

  /** Ends it at once, as a crash or the kernel's out-of-memory killer does. */
  public void kill() {
    Node.docker().killContainerCmd(node.id()).exec();
  }

  /**
   * Asks it to end, as an orchestrator does.
   *
   * @return its exit code
   */
  public long stop() {
    Node.docker().stopContainerCmd(node.id()).withTimeout(STOP_SECONDS).exec();
    Long code = Node.docker().inspectContainerCmd(node.id()).exec().getState().getExitCodeLong();
    return code == null ? -1 : code;
  }

  /** Starts it again after it has ended; its cache is as it was. */
  public void start() {
    Node.docker().startContainerCmd(node.id()).exec();
    node.follow();
  }

  /** Freezes it: its connections stay, and nothing comes. */
  public void pause() {
    Node.docker().pauseContainerCmd(node.id()).exec();
  }

  /** The end of {@link #pause}. */
  public void unpause() {
    Node.docker().unpauseContainerCmd(node.id()).exec();
  }

  /** Pulls its network cable. */
  public void disconnect() {
    Node.docker()
        .disconnectFromNetworkCmd()
        .withNetworkId(networkId)
        .withContainerId(node.id())
        .withForce(true)
        .exec();
  }

  /** Plugs the cable in again; its address may be another one. */
  public void connect() {
    Node.docker()
        .connectToNetworkCmd()
        .withNetworkId(networkId)
        .withContainerId(node.id())
        .withContainerNetwork(new ContainerNetwork().withAliases(node.name))
        .exec();
  }

  /** Whether its container runs. */
  public boolean isRunning() {
    return node.isRunning();
  }

  /** The process id of its first process on the engine's machine. */
  public long pid() {
    Long pid = Node.docker().inspectContainerCmd(node.id()).exec().getState().getPidLong();
    if (pid == null || pid == 0) {
      throw new IllegalStateException(node.name + " does not run");
    }
    return pid;
  }

  /** Runs a command in its container. */
  public ExecResult exec(String... command) throws IOException, InterruptedException {
    return node.exec(command);
  }

  /** Everything that it has written so far. */
  public String logs() {
    return node.output();
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%s (%s)", node.name, node.id());
  }
}
