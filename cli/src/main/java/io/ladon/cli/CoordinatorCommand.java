package io.ladon.cli;

import io.ladon.cli.catalogue.LadonHome;
import io.ladon.cli.catalogue.ModelCatalogue;
import io.ladon.cli.catalogue.ModelStore;
import io.ladon.cli.process.ChildOptions;
import io.ladon.cli.process.Supervision;
import io.ladon.coordinator.Coordinator;
import io.ladon.coordinator.CoordinatorOptions;
import io.ladon.coordinator.HostPort;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The coordinator. */
@Command(
    name = "coordinator",
    description = "Serves clients, and the workers that join.",
    sortOptions = false)
final class CoordinatorCommand implements Callable<Integer> {

  private static final String LISTEN = "127.0.0.1:" + CoordinatorOptions.DEFAULT_PORT;

  private static final String API = "127.0.0.1:" + CoordinatorOptions.DEFAULT_API_PORT;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "path of a GGUF file, or a name that 'ladon models' lists (default: ${DEFAULT-VALUE})",
      defaultValue = ModelCatalogue.DEFAULT_MODEL)
  String model = ModelCatalogue.DEFAULT_MODEL;

  @Option(
      names = "--model-name",
      paramLabel = "NAME",
      description = "what clients call the model (default: its catalogue name or its file's)")
  @Nullable String modelName;

  @Option(
      names = {"-w", "--workers"},
      description = "serve once so many workers have joined (default: ${DEFAULT-VALUE})",
      defaultValue = "2")
  int workers = 2;

  @Option(
      names = "--workers-from",
      paramLabel = "HOST",
      description =
          "instead of --workers: as many workers as this name has addresses when the coordinator"
              + " starts, e.g. a service of compose")
  @Nullable String workersFrom;

  @Option(
      names = "--shares",
      split = ",",
      description = "relative speed of each rank, e.g. 1,1,2 (default: all alike)")
  List<Double> shares = List.of();

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "where workers join (default: ${DEFAULT-VALUE})",
      defaultValue = LISTEN)
  String listen = LISTEN;

  @Option(
      names = "--api",
      paramLabel = "HOST:PORT",
      description = "where clients are served (default: ${DEFAULT-VALUE})",
      defaultValue = API)
  String api = API;

  @Option(names = "--supervised", hidden = true, description = "started by another command")
  boolean supervised;

  @Mixin ServingOptions serving = new ServingOptions();

  /** A coordinator that another command has started with these options. */
  static CoordinatorCommand supervised(ChildOptions.Reader options) {
    CoordinatorCommand coordinator = new CoordinatorCommand();
    coordinator.supervised = true;
    coordinator.pass(options);
    options.end();
    return coordinator;
  }

  /** The options that a command passes to a coordinator of its own. */
  void pass(ChildOptions options) {
    model = options.option("--model", model, Function.identity());
    modelName = options.optional("--model-name", modelName, Function.identity());
    workers = options.option("--workers", workers, Integer::valueOf);
    listen = options.option("--listen", listen, Function.identity());
    api = options.option("--api", api, Function.identity());
    serving.pass(options);
  }

  @Override
  public Integer call() throws Exception {
    Path path = ModelStore.find(model);
    CoordinatorOptions options =
        new CoordinatorOptions(
            path,
            modelName != null ? modelName : ModelNames.of(model, path),
            HostPort.parse(listen),
            HostPort.parse(api),
            workersFrom != null ? addresses(workersFrom) : workers,
            shares,
            serving.outputSplit,
            serving.downSplit,
            serving.kvType,
            LadonHome.current(),
            serving.limits(),
            serving.timeouts());
    CountDownLatch end = new CountDownLatch(1);
    Coordinator coordinator = new Coordinator(options);
    try {
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    coordinator.close();
                    end.countDown();
                  },
                  "end-of-coordinator"));
      coordinator.listenForWorkers();
      if (supervised) {
        new Supervision().exitWithParent();
        Supervision.sayJoin(coordinator.workerAddress().toString());
      }
      coordinator.listenForClients();
      announce(coordinator, options.expectedWorkers());
      end.await();
    } finally {
      coordinator.close();
    }
    return 0;
  }

  static int addresses(String host) throws IOException {
    try {
      return InetAddress.getAllByName(host).length;
    } catch (UnknownHostException e) {
      throw new IOException("--workers-from: nobody knows '" + host + "'", e);
    }
  }

  private void announce(Coordinator coordinator, int expected) throws InterruptedException {
    String url = "http://" + coordinator.apiAddress();
    if (supervised) {
      Supervision.sayApi(url);
      awaitReady(coordinator);
      Supervision.sayReady();
      return;
    }
    System.out.printf(
        "ladon: coordinator at %s, waiting for %d workers at %s%n",
        url, expected, coordinator.workerAddress());
    awaitReady(coordinator);
    System.out.printf("ladon: ready at %s%n", url);
  }

  /** Workers may come late: there is no end to this wait but that of the process. */
  private static void awaitReady(Coordinator coordinator) throws InterruptedException {
    while (!coordinator.awaitReady(Duration.ofMinutes(1))) {
      // Still waiting; the log says for whom.
    }
  }
}
