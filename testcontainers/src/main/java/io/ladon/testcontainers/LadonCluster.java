package io.ladon.testcontainers;

import com.github.dockerjava.api.model.AccessMode;
import com.github.dockerjava.api.model.Bind;
import com.github.dockerjava.api.model.Volume;
import io.ladon.proxy.TcpProxy;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.containers.Network;
import org.testcontainers.lifecycle.Startable;
import org.testcontainers.lifecycle.Startables;

/**
 * A coordinator and its workers, each in a container, on a network of their own. Usable with
 * JUnit's {@code @Container}; all of it is removed when it is closed, also if it never got ready.
 *
 * <pre>{@code
 * @Container
 * static final LadonCluster cluster =
 *     LadonCluster.withWorkers(3).withModel(Path.of("model.gguf"));
 *
 * OpenAIClient client =
 *     OpenAIOkHttpClient.builder().baseUrl(cluster.baseUrl()).apiKey("any").build();
 * cluster.worker(1).kill();
 * }</pre>
 */
public final class LadonCluster implements Startable {

  /** The image unless told otherwise; {@code deploy/image} builds it. */
  public static final String DEFAULT_IMAGE = "ladon:local";

  private static final Logger log = LoggerFactory.getLogger(LadonCluster.class);
  private static final int API_PORT = 8080;
  private static final int JOIN_PORT = 7700;
  private static final int PEER_PORT = 7701;
  private static final int TAIL_LINES = 25;
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final long POLL_MILLIS = 50;

  private final int count;
  private @Nullable Path model;
  private String image = DEFAULT_IMAGE;
  private Duration startupTimeout = Duration.ofMinutes(2);
  private boolean awaitsReady = true;
  private final List<String> coordinatorOptions = new ArrayList<>();
  private final List<String> workerOptions = new ArrayList<>();
  private final Map<Integer, Limit> limits = new TreeMap<>();
  private @Nullable Link link;
  private Path logs = Path.of("target", "ladon-cluster-logs");

  private @Nullable Network network;
  private @Nullable Node coordinator;
  private final List<Node> nodes = new ArrayList<>();
  private final List<LadonWorker> workers = new ArrayList<>();

  /**
   * @param memoryBytes 0 for no limit
   * @param cpus 0 for no limit
   */
  private record Limit(long memoryBytes, double cpus) {}

  private LadonCluster(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("a cluster of %d workers: at least 1".formatted(count));
    }
    this.count = count;
  }

  /** A cluster that has not been started yet. */
  public static LadonCluster withWorkers(int count) {
    return new LadonCluster(count);
  }

  /** The GGUF file; only the coordinator gets to see it. Clients call it by the file's name. */
  public LadonCluster withModel(Path gguf) {
    model = gguf.toAbsolutePath();
    return this;
  }

  public LadonCluster withImage(String name) {
    image = name;
    return this;
  }

  /** Options of {@code ladon coordinator}, added to those that the fixture needs. */
  public LadonCluster withCoordinatorOptions(String... options) {
    coordinatorOptions.addAll(List.of(options));
    return this;
  }

  /** Options of {@code ladon worker}, for all of them. */
  public LadonCluster withWorkerOptions(String... options) {
    workerOptions.addAll(List.of(options));
    return this;
  }

  /**
   * Limits of one worker's container.
   *
   * @param memoryBytes 0 for none
   * @param cpus 0 for none
   */
  public LadonCluster withWorkerLimits(int worker, long memoryBytes, double cpus) {
    limits.put(worker, new Limit(memoryBytes, cpus));
    return this;
  }

  /** Everything between nodes goes through a proxy that makes the network worse. */
  public LadonCluster withLink(Link worse) {
    link = worse;
    return this;
  }

  /** A folder for the output of all nodes, one file each, written as it comes. */
  public LadonCluster withLogs(Path folder) {
    logs = folder;
    return this;
  }

  public LadonCluster withStartupTimeout(Duration limit) {
    startupTimeout = limit;
    return this;
  }

  /** {@link #start} comes back once the containers run; the test waits for what it expects. */
  public LadonCluster withoutAwaitingReady() {
    awaitsReady = false;
    return this;
  }

  @Override
  public void start() {
    if (network != null) {
      return;
    }
    Path file = model;
    if (file == null || !Files.isReadable(file)) {
      throw new IllegalStateException("withModel: no file that can be read at " + file);
    }
    long begin = System.nanoTime();
    try {
      Files.createDirectories(logs);
      Network net =
          Network.builder()
              .createNetworkCmdModifier(
                  // Networks of users publish on all addresses unless told otherwise.
                  command ->
                      command
                          .withLabels(labels(command.getLabels()))
                          .withOptions(
                              Map.of("com.docker.network.bridge.host_binding_ipv4", "127.0.0.1")))
              .build();
      network = net;
      Node main = coordinator(net, file, coordinatorOptions);
      coordinator = main;
      nodes.add(main);
      for (int i = 0; i < count; i++) {
        Node node = worker(net, i);
        nodes.add(node);
        workers.add(new LadonWorker(node, net.getId()));
      }
      if (link != null) {
        nodes.add(proxy(net, link));
      }
      Startables.deepStart(nodes.stream().map(node -> node.container)).join();
      long started = System.nanoTime();
      if (awaitsReady) {
        awaitReady(startupTimeout);
        log.info(
            "{} workers: containers run after {} ms, ready after {} ms",
            count,
            (started - begin) / 1_000_000,
            (System.nanoTime() - begin) / 1_000_000);
      }
    } catch (IOException | RuntimeException | Error e) {
      String tails =
          nodes.stream().map(node -> node.tail(TAIL_LINES)).collect(Collectors.joining("\n"));
      close();
      throw new IllegalStateException(
          "the cluster did not start: %s; logs are in %s\n%s"
              .formatted(e.getMessage(), logs.toAbsolutePath(), tails),
          e);
    }
  }

  private static Map<String, String> labels(@Nullable Map<String, String> given) {
    Map<String, String> labels = new TreeMap<>(given == null ? Map.of() : given);
    labels.put(Node.LABEL, Node.RUN);
    return labels;
  }

  private Node coordinator(Network net, Path file, List<String> options) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "coordinator",
                "--model",
                "/models/model.gguf",
                "--model-name",
                modelName(file),
                "--workers",
                Integer.toString(count)));
    command.addAll(options);
    Node node = new Node("coordinator", image, net, logs, command);
    node.container
        .withExposedPorts(API_PORT)
        .withCreateContainerCmdModifier(
            create ->
                Node.hostConfig(create)
                    .withBinds(
                        new Bind(
                            file.toString(), new Volume("/models/model.gguf"), AccessMode.ro)));
    return node;
  }

  private static String modelName(Path file) {
    return String.valueOf(file.getFileName()).replaceFirst("\\.gguf$", "");
  }

  private Node worker(Network net, int index) {
    String name = "worker-" + index;
    List<String> command = new ArrayList<>(List.of("worker", "--name", name));
    if (link == null) {
      command.addAll(List.of("--join", "coordinator:" + JOIN_PORT));
    } else {
      // Peers, and the coordinator, are dialled at the proxy, which has a port for each.
      command.addAll(List.of("--join", "proxy:" + JOIN_PORT, "--advertise", "proxy"));
      command.addAll(List.of("--bind", "0.0.0.0:" + (PEER_PORT + index)));
    }
    command.addAll(List.of("--threads", "1")); // all workers share one machine
    command.addAll(workerOptions);
    Node node = new Node(name, image, net, logs, command);
    Limit limit = limits.get(index);
    if (limit != null) {
      node.container.withCreateContainerCmdModifier(
          create -> {
            if (limit.memoryBytes() > 0) {
              Node.hostConfig(create)
                  .withMemory(limit.memoryBytes())
                  .withMemorySwap(limit.memoryBytes());
            }
            if (limit.cpus() > 0) {
              Node.hostConfig(create).withNanoCPUs(Math.round(limit.cpus() * 1e9));
            }
          });
    }
    return node;
  }

  private Node proxy(Network net, Link worse) {
    List<String> command =
        new ArrayList<>(List.of("-cp", "/opt/ladon/ladon.jar", TcpProxy.class.getName()));
    command.add(Long.toString(worse.delay().toNanos()));
    command.add(Long.toString(worse.jitter().toNanos()));
    command.add(Long.toString(worse.bytesPerSecond()));
    command.add("%d:coordinator:%d".formatted(JOIN_PORT, JOIN_PORT));
    for (int i = 0; i < count; i++) {
      command.add("%d:worker-%d:%d".formatted(PEER_PORT + i, i, PEER_PORT + i));
    }
    Node node = new Node("proxy", image, net, logs, command);
    node.container.withCreateContainerCmdModifier(
        create -> create.withEntrypoint("/opt/java/bin/java", "-XX:+UseSerialGC"));
    return node;
  }

  /** Where OpenAI's clients are pointed to. */
  public String baseUrl() {
    return url() + "/v1";
  }

  /** The coordinator's HTTP server: health and metrics are here. */
  public String url() {
    return "http://%s:%d"
        .formatted(
            coordinator().container.getHost(), coordinator().container.getMappedPort(API_PORT));
  }

  /** A worker, counted from 0. Its rank may be another number: health tells it. */
  public LadonWorker worker(int index) {
    return workers.get(index);
  }

  /** All workers. */
  public List<LadonWorker> workers() {
    return List.copyOf(workers);
  }

  private Node coordinator() {
    Node node = coordinator;
    if (node == null) {
      throw new IllegalStateException("the cluster has not been started");
    }
    return node;
  }

  /** Everything that the coordinator has written so far. */
  public String coordinatorLogs() {
    return coordinator().output();
  }

  /** The process id of the coordinator's first process on the engine's machine. */
  public long coordinatorPid() {
    return new LadonWorker(coordinator(), "").pid();
  }

  /** Asks the coordinator to end, as an orchestrator does, and gives its exit code. */
  public long stopCoordinator() {
    return new LadonWorker(coordinator(), "").stop();
  }

  /**
   * Ends the coordinator at once, as a crash does, and puts a new one in its place, which knows
   * nothing of the former. Workers join it by themselves; comes back once the cluster is ready.
   *
   * @param options of {@code ladon coordinator}, instead of {@link #withCoordinatorOptions}
   */
  public void replaceCoordinator(String... options) {
    Node former = coordinator();
    Network net = Objects.requireNonNull(network);
    former.close();
    Node next = coordinator(net, Objects.requireNonNull(model), List.of(options));
    nodes.set(nodes.indexOf(former), next);
    coordinator = next;
    next.container.start();
    awaitReady(startupTimeout);
  }

  /** What the coordinator answers at a path such as {@code /metrics}; the body alone. */
  public HttpResponse<String> get(String path) throws IOException, InterruptedException {
    try (HttpClient http = HttpClient.newBuilder().connectTimeout(ANSWER).build()) {
      return http.send(
          HttpRequest.newBuilder(URI.create(url() + path)).timeout(ANSWER).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  /** Whether a step through all ranks has lately succeeded. */
  public boolean isReady() throws InterruptedException {
    try {
      return get("/health/ready").statusCode() == 200;
    } catch (IOException e) {
      return false; // it does not listen yet, or not any more
    }
  }

  /**
   * Waits until the cluster is ready.
   *
   * @throws IllegalStateException with the cluster's reason if it is not within the limit
   */
  public void awaitReady(Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    try {
      while (!isReady()) {
        if (System.nanoTime() - deadline > 0) {
          throw new IllegalStateException("not ready within " + limit + ": " + reason());
        }
        if (!coordinator().isRunning()) {
          throw new IllegalStateException("the coordinator has ended");
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for the cluster", e);
    }
  }

  private String reason() throws InterruptedException {
    try {
      return get("/health/ready").body();
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Override
  public void stop() {
    List<RuntimeException> failures = new ArrayList<>();
    for (Node node : nodes.reversed()) {
      try {
        node.close();
      } catch (RuntimeException e) {
        failures.add(e);
      }
    }
    nodes.clear();
    workers.clear();
    coordinator = null;
    Network net = network;
    network = null;
    if (net != null) {
      net.close();
    }
    if (!failures.isEmpty()) {
      IllegalStateException all = new IllegalStateException("containers were not removed");
      failures.forEach(all::addSuppressed);
      throw all;
    }
  }
}
