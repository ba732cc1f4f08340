package io.ladon.cli;

import io.ladon.cli.process.LocalCluster;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A cluster on this machine. */
@Command(
    name = "up",
    description =
        "Starts a cluster on this machine and serves until Ctrl-C or SIGTERM. A worker that ends is"
            + " started again.",
    sortOptions = false)
final class UpCommand implements Callable<Integer> {

  @Option(
      names = {"-p", "--port"},
      description = "of the API on 127.0.0.1 (default: ${DEFAULT-VALUE})",
      defaultValue = "8080")
  int port;

  @Mixin ClusterOptions options = new ClusterOptions();

  @Override
  public Integer call() throws Exception {
    try (LocalCluster cluster = options.cluster(port, true)) {
      cluster.start();
      String url = cluster.awaitReady(Serving.READY_TIMEOUT);
      System.out.printf(
          "ladon: ready at %s: %s on %d workers of %d threads%n",
          url, options.model, options.workers, options.threadsOfWorker());
      throw new IOException(cluster.awaitEnd());
    }
  }
}
