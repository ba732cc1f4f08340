package io.ladon.cli.process;

import io.ladon.proxy.TcpProxy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A coordinator and its workers as processes on this machine; none of them outlives this one. */
public final class LocalCluster implements AutoCloseable {

  /**
   * @param coordinatorArguments of {@code ladon coordinator}
   * @param workerArguments of each {@code ladon worker}, but for where it listens
   * @param restartWorkers whether a worker that ends is started again, instead of ending the
   *     cluster
   * @param link of a network in which each process has a machine of its own; null for none
   */
  public record Options(
      int workers,
      List<String> coordinatorArguments,
      List<String> workerArguments,
      boolean restartWorkers,
      TcpProxy.@Nullable Link link) {}

  /** A worker that ends so often in a row does not get better by being started again. */
  private static final int MOST_RESTARTS = 5;

  private static final String ANY_PORT = "127.0.0.1:0";

  private static final Duration LONG_LIFE = Duration.ofMinutes(1);

  private final Options options;
  private final List<ChildProcess> children = new ArrayList<>();
  private final CompletableFuture<String> joinAddress = new CompletableFuture<>();
  private final CompletableFuture<Api> api = new CompletableFuture<>();
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private final CompletableFuture<String> ended = new CompletableFuture<>();
  private final Path logs;
  private final @Nullable SlowNetwork network;
  private boolean closed;

  private record Api(String url) {}

  public LocalCluster(Options options) throws IOException {
    this.options = options;
    this.network =
        options.link() == null ? null : new SlowNetwork(options.link(), options.workers());
    this.logs = Files.createTempDirectory("ladon-");
  }

  /** Starts all processes at once; workers wait on their standard input for the address to join. */
  public synchronized void start() throws IOException {
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "end-of-cluster"));
    List<String> arguments = new ArrayList<>(List.of("coordinator", "--supervised"));
    arguments.addAll(options.coordinatorArguments());
    ChildProcess coordinator =
        ChildProcess.start(
            "coordinator",
            logs.resolve("coordinator.log"),
            JvmOptions.of("coordinator"),
            arguments);
    children.add(coordinator);
    var _ = coordinator.process().onExit().thenRun(() -> end(coordinator));
    for (int i = 0; i < options.workers(); i++) {
      startWorker(i, 0);
    }
    Thread.ofVirtual().name("coordinator-output").start(() -> read(coordinator));
  }

  private void startWorker(int index, int restarts) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("worker", "--supervised"));
    arguments.addAll(options.workerArguments());
    arguments.addAll(network != null ? network.options(index) : List.of("--bind", ANY_PORT));
    ChildProcess worker =
        ChildProcess.start(
            "worker " + (index + 1),
            logs.resolve("worker-%d-%d.log".formatted(index + 1, restarts)),
            JvmOptions.of("worker"),
            arguments);
    if (restarts == 0) {
      children.add(worker);
    } else {
      children.set(index + 1, worker);
    }
    String known = joinAddress.getNow(null);
    if (known != null) {
      worker.say(joinAddress(known, index));
    }
    long started = System.nanoTime();
    var _ =
        worker
            .process()
            .onExit()
            .thenRun(
                () -> {
                  boolean lived = System.nanoTime() - started > LONG_LIFE.toNanos();
                  workerEnded(worker, index, lived ? 1 : restarts + 1);
                });
  }

  private synchronized void workerEnded(ChildProcess worker, int index, int restarts) {
    if (closed) {
      return;
    }
    boolean refused = worker.process().exitValue() == Supervision.REFUSED;
    if (refused || !options.restartWorkers() || restarts > MOST_RESTARTS) {
      end(worker);
      return;
    }
    System.err.println("ladon: " + worker.obituary());
    System.err.printf("ladon: starting worker %d again%n", index + 1);
    try {
      startWorker(index, restarts);
    } catch (IOException e) {
      end(worker);
    }
  }

  private synchronized void end(ChildProcess child) {
    if (!closed) {
      ended.complete(child.obituary());
    }
  }

  /**
   * Waits until the cluster serves.
   *
   * @return base URL of the API, e.g. {@code http://127.0.0.1:8080}
   * @throws IOException if a process ends before, or the time passes; the message has the end of
   *     the log
   */
  public String awaitReady(Duration timeout) throws IOException, InterruptedException {
    await(ready, timeout);
    return api.join().url();
  }

  /** The same until the API answers, which may be before there is anybody to compute. */
  public String awaitApi(Duration timeout) throws IOException, InterruptedException {
    await(api, timeout);
    return api.join().url();
  }

  private void await(CompletableFuture<?> what, Duration timeout)
      throws IOException, InterruptedException {
    CompletableFuture<Object> either = CompletableFuture.anyOf(what, ended);
    try {
      if (either.get(timeout.toMillis(), TimeUnit.MILLISECONDS) instanceof String obituary) {
        throw new IOException(obituary);
      }
    } catch (TimeoutException e) {
      throw new IOException(
          "the cluster is not ready after %d s%n%s".formatted(timeout.toSeconds(), tails()), e);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }

  /** Waits until any of the processes ends; the answer says which, how, and the end of its log. */
  public String awaitEnd() throws InterruptedException {
    try {
      return ended.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("never completed with an exception", e);
    }
  }

  /** Reads the coordinator's lines and passes its address on to the workers. */
  private void read(ChildProcess coordinator) {
    try (BufferedReader reader = coordinator.process().inputReader(StandardCharsets.UTF_8)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        String[] words = line.split(" ", -1);
        if (words[0].equals(Supervision.JOIN) && words.length == 2) {
          joinAddress.complete(words[1]);
          sendJoinAddress(words[1]);
        } else if (words[0].equals(Supervision.API) && words.length == 2) {
          api.complete(new Api(words[1]));
        } else if (words[0].equals(Supervision.READY)) {
          ready.complete(null);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      api.completeExceptionally(e);
      ready.completeExceptionally(e);
    }
  }

  private synchronized void sendJoinAddress(String address) throws IOException {
    for (int i = 0; i < options.workers(); i++) {
      children.get(i + 1).say(joinAddress(address, i));
    }
  }

  private String joinAddress(String coordinator, int worker) throws IOException {
    return network != null ? network.routeToCoordinator(coordinator, worker) : coordinator;
  }

  /**
   * Resident memory of each worker, in bytes.
   *
   * @throws IOException if this system does not tell
   */
  public synchronized List<Long> residentBytesOfWorkers() throws IOException {
    List<Long> bytes = new ArrayList<>();
    for (ChildProcess child : children.subList(1, children.size())) {
      bytes.add(child.residentBytes());
    }
    return bytes;
  }

  /**
   * Memory of all workers together, in bytes: pages that they share count once.
   *
   * @throws IOException if this system does not tell
   */
  public synchronized long bytesOfAllWorkers() throws IOException {
    long bytes = 0;
    for (ChildProcess child : children.subList(1, children.size())) {
      bytes += child.proportionalBytes();
    }
    return bytes;
  }

  private synchronized String tails() {
    StringBuilder text = new StringBuilder();
    for (ChildProcess child : children) {
      text.append(child.name()).append(':').append(System.lineSeparator());
      for (String line : child.tail()) {
        text.append("  ").append(line).append(System.lineSeparator());
      }
    }
    return text.toString();
  }

  /** Ends all processes and waits for them. Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    for (ChildProcess child : children) {
      child.stop();
    }
    for (ChildProcess child : children) {
      child.close();
    }
    if (network != null) {
      network.close();
    }
    try (Stream<Path> files = Files.walk(logs)) {
      for (Path file : (Iterable<Path>) files.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // A log left in the temporary folder is no reason to fail.
    }
  }
}
