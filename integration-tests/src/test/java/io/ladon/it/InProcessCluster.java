package io.ladon.it;

import io.ladon.coordinator.Coordinator;
import io.ladon.coordinator.CoordinatorOptions;
import io.ladon.coordinator.HostPort;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.Usage;
import io.ladon.worker.Worker;
import io.ladon.worker.WorkerOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** A coordinator and its workers in this JVM, over real connections on loopback. */
final class InProcessCluster implements AutoCloseable {

  static final Duration LIMIT = Duration.ofSeconds(60);

  final Coordinator coordinator;
  final List<Worker> workers = new ArrayList<>();
  final AtomicInteger acceptedDrafts = new AtomicInteger(); // tokens, of requests that have ended
  private final Path folder;

  private InProcessCluster(Coordinator coordinator, Path folder) {
    this.coordinator = coordinator;
    this.folder = folder;
  }

  /**
   * Starts a cluster and waits until it serves.
   *
   * @param options whose addresses are replaced by free ones
   * @param folder for what workers keep
   */
  static InProcessCluster start(CoordinatorOptions options, Path folder)
      throws IOException, InterruptedException {
    HostPort free = new HostPort("127.0.0.1", 0);
    InProcessCluster cluster =
        new InProcessCluster(new Coordinator(options.withAddresses(free, free)), folder);
    try {
      cluster.coordinator.start();
      for (int i = 0; i < options.expectedWorkers(); i++) {
        cluster.addWorker("w" + i);
      }
      cluster.awaitReady();
    } catch (IOException | InterruptedException | RuntimeException | AssertionError e) {
      cluster.close();
      throw e;
    }
    return cluster;
  }

  Worker addWorker(String name) throws IOException {
    Worker worker =
        new Worker(
            WorkerOptions.joining(coordinator.workerAddress().toString(), folder.resolve(name))
                .name(name)
                .bind("127.0.0.1", 0)
                .threads(1)
                .warmUp(false)
                .crowding(WorkerOptions.Crowding.YES)
                .build());
    workers.add(worker);
    worker.start();
    return worker;
  }

  void awaitReady() throws InterruptedException {
    if (!coordinator.awaitReady(LIMIT)) {
      throw new AssertionError("not ready: " + coordinator.service().status());
    }
  }

  /** Submits a request; its tokens come when it has ended, or its error. */
  CompletableFuture<List<GeneratedToken>> submit(GenerationRequest request)
      throws ServiceException {
    CompletableFuture<List<GeneratedToken>> result = new CompletableFuture<>();
    List<GeneratedToken> tokens = new ArrayList<>();
    coordinator
        .service()
        .submit(
            request,
            new GenerationListener() {
              @Override
              public void onToken(GeneratedToken token) {
                tokens.add(token);
              }

              @Override
              public void onEnd(FinishReason reason, Usage usage) {
                acceptedDrafts.addAndGet(usage.acceptedTokens());
                result.complete(tokens);
              }

              @Override
              public void onError(ServiceException error) {
                result.completeExceptionally(error);
              }
            });
    return result;
  }

  static List<GeneratedToken> await(CompletableFuture<List<GeneratedToken>> result)
      throws InterruptedException, ExecutionException, TimeoutException {
    return result.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    for (Worker worker : workers) {
      worker.close();
    }
    coordinator.close();
  }
}
