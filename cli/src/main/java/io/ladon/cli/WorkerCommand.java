package io.ladon.cli;

import io.ladon.cli.catalogue.LadonHome;
import io.ladon.cli.catalogue.ModelStore;
import io.ladon.cli.process.ChildOptions;
import io.ladon.cli.process.OtherJvm;
import io.ladon.cli.process.Supervision;
import io.ladon.coordinator.CoordinatorOptions;
import io.ladon.coordinator.HostPort;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.worker.Worker;
import io.ladon.worker.WorkerOptions;
import io.ladon.worker.exchange.ExchangeMode;
import io.ladon.worker.shard.EngineShardFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A worker. */
@Command(
    name = "worker",
    description = "Joins a coordinator and runs one rank for as long as it is wanted.",
    sortOptions = false)
final class WorkerCommand implements Callable<Integer> {

  private static final String JOIN = "127.0.0.1:" + CoordinatorOptions.DEFAULT_PORT;

  private static final String BIND = "0.0.0.0:0";

  @Option(
      names = {"-j", "--join"},
      paramLabel = "HOST:PORT",
      description = "the coordinator (default: ${DEFAULT-VALUE})",
      defaultValue = JOIN)
  String join = JOIN;

  @Option(
      names = {"-t", "--threads"},
      description = "threads that compute (default: one a core)")
  int threads;

  @Option(
      names = "--bind",
      paramLabel = "HOST:PORT",
      description =
          "where peers reach this worker; port 0 takes a free one (default: " + BIND + ")")
  @Nullable String bind;

  @Option(
      names = "--advertise",
      paramLabel = "HOST",
      description =
          "what peers call this machine (default: its address on the way to the coordinator)")
  @Nullable String advertise;

  @Option(names = "--name", description = "for messages (default: host name and process id)")
  @Nullable String name;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "a local copy of the coordinator's model; without one its slices come from the"
              + " coordinator")
  @Nullable String model;

  @Option(
      names = "--cache",
      paramLabel = "FOLDER",
      description =
          "keeps slices that the coordinator sent, and packed shards (default: LADON_HOME)")
  @Nullable Path cache;

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

  @Option(
      names = "--memory",
      paramLabel = "MB",
      description = "what this process may use (default: what the machine or container has)")
  long memoryMegabytes;

  @Option(
      names = "--warm-up",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "run the loaded shard for some seconds before it counts as ready (default)")
  boolean warmUp = true;

  @Option(names = "--supervised", hidden = true, description = "started by another command")
  boolean supervised;

  /** A worker that another command has started with these options. */
  static WorkerCommand supervised(ChildOptions.Reader options) {
    WorkerCommand worker = new WorkerCommand();
    worker.supervised = true;
    worker.pass(options);
    options.end();
    return worker;
  }

  /** The options that a command passes to a worker of its own. */
  void pass(ChildOptions options) {
    threads = options.option("--threads", threads, Integer::valueOf);
    kernels = options.option("--kernels", kernels, Function.identity());
    exchange = ExchangeMode.named(options.option("--exchange", exchange.label(), l -> l));
    model = options.optional("--model", model, Function.identity());
    bind = options.optional("--bind", bind, Function.identity());
    advertise = options.optional("--advertise", advertise, Function.identity());
  }

  @Override
  public Integer call() throws Exception {
    // Before the address is known: a supervised coordinator starts meanwhile.
    EngineShardFactory engine = engine();
    Worker worker = new Worker(options(supervised ? supervisedJoin() : join), engine);
    Runtime.getRuntime().addShutdownHook(new Thread(worker::close, "end-of-worker"));
    try (worker) {
      worker.start();
      worker.awaitClosed();
      if (worker.refusal() != null) {
        System.err.println("ladon: the coordinator refuses this worker: " + worker.refusal());
        return Supervision.REFUSED;
      }
    }
    return 0;
  }

  /**
   * The kernels. Machine code runs in a small JVM with the quick compiler alone, which is how a
   * worker starts; all others need the Vector API and its compiler.
   */
  private EngineShardFactory engine() throws IOException {
    if (!KernelProvider.hasVectorModule()
        && (kernels.equals("vector") || !KernelProvider.choose(kernels).isMachineCode())) {
      OtherJvm.become("worker.options", "vector-worker.options");
    }
    return EngineShardFactory.measured(kernels, threads, warmUp);
  }

  private static String supervisedJoin() throws IOException {
    Supervision supervision = new Supervision();
    String address = supervision.joinAddress();
    supervision.exitWithParent();
    return address;
  }

  private WorkerOptions options(String address) throws IOException, InterruptedException {
    HostPort peers = HostPort.parse(bind == null ? BIND : bind);
    return WorkerOptions.joining(address, cache != null ? cache : LadonHome.current())
        .name(name)
        .bind(peers.host(), peers.port())
        .advertisedHost(advertise)
        .threads(threads)
        .modelPath(model == null ? null : ModelStore.find(model))
        .kernels(kernels)
        .exchange(exchange)
        .warmUp(warmUp)
        .memoryBytes(memoryMegabytes << 20)
        .endsWhenRefused(supervised)
        .build();
  }
}
