package io.ladon.cli;

import io.ladon.cli.catalogue.ModelCatalogue;
import io.ladon.cli.catalogue.ModelStore;
import io.ladon.cli.process.ChildOptions;
import io.ladon.cli.process.LocalCluster;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.proxy.TcpProxy;
import io.ladon.worker.exchange.ExchangeMode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of commands that start a cluster on this machine. */
final class ClusterOptions {

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "path of a GGUF file, or a name that 'ladon models' lists (default: ${DEFAULT-VALUE})",
      defaultValue = ModelCatalogue.DEFAULT_MODEL)
  String model = ModelCatalogue.DEFAULT_MODEL;

  @Option(
      names = {"-w", "--workers"},
      description = "worker processes (default: ${DEFAULT-VALUE})",
      defaultValue = "2")
  int workers;

  @Option(
      names = {"-t", "--threads"},
      description = "threads of each worker (default: the machine's cores shared out)")
  @Nullable Integer threads;

  @Option(
      names = "--kernels",
      description =
          "kernels: " + KernelProvider.NAMES + " (default: ${DEFAULT-VALUE}, the quickest here)",
      defaultValue = "auto")
  String kernels = "auto";

  @Option(
      names = "--exchange",
      paramLabel = "MODE",
      description =
          "how parts travel between ranks of one machine: auto (through shared memory where both"
              + " can open it), grpc (the coordinator's steps too) or shared-memory"
              + " (default: ${DEFAULT-VALUE})",
      defaultValue = "auto",
      converter = ExchangeModeConverter.class)
  ExchangeMode exchange = ExchangeMode.AUTO;

  @Mixin ServingOptions serving = new ServingOptions();

  /** The network that the processes are put into; null for none, the same machine. */
  private TcpProxy.@Nullable Link link;

  /**
   * Puts all processes into a network as if each had a machine of its own.
   *
   * @throws IllegalArgumentException if ranks were to share memory
   */
  void use(TcpProxy.Link network) {
    if (exchange == ExchangeMode.SHARED_MEMORY) {
      throw new IllegalArgumentException(
          "--exchange shared-memory: machines of a network share no memory");
    }
    exchange = ExchangeMode.GRPC;
    link = network;
  }

  /**
   * A cluster that has not been started yet.
   *
   * @param port of the API; 0 for any that is free
   * @param restartWorkers whether a worker that ends is started again
   */
  LocalCluster cluster(int port, boolean restartWorkers) throws IOException, InterruptedException {
    Path path = ModelStore.find(model);
    return new LocalCluster(
        new LocalCluster.Options(
            workers,
            coordinatorArguments(path, port),
            workerArguments(path),
            restartWorkers,
            link));
  }

  List<String> coordinatorArguments(Path path, int port) {
    CoordinatorCommand coordinator = new CoordinatorCommand();
    coordinator.model = path.toString();
    coordinator.modelName = ModelNames.of(model, path);
    coordinator.workers = workers;
    coordinator.listen = "127.0.0.1:0";
    coordinator.api = "127.0.0.1:" + port;
    coordinator.serving = serving;
    ChildOptions.Writer options = new ChildOptions.Writer();
    coordinator.pass(options);
    return options.arguments();
  }

  List<String> workerArguments(Path path) {
    WorkerCommand worker = new WorkerCommand();
    worker.threads = threadsOfWorker();
    worker.kernels = kernels;
    worker.exchange = exchange;
    worker.model = path.toString();
    ChildOptions.Writer options = new ChildOptions.Writer();
    worker.pass(options);
    return options.arguments();
  }

  int threadsOfWorker() {
    return threads != null
        ? threads
        : Math.max(1, Runtime.getRuntime().availableProcessors() / Math.max(1, workers));
  }
}
