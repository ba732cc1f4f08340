package io.ladon.cli;

import io.ladon.cli.client.ApiClient;
import io.ladon.cli.process.LocalCluster;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of commands that talk to a model: a cluster that runs already, or one of their own. */
final class Serving {

  static final Duration READY_TIMEOUT = Duration.ofMinutes(5);

  @Option(
      names = "--url",
      description =
          "API of a cluster that runs already; without it one is started for this command")
  @Nullable String url;

  @Mixin ClusterOptions cluster = new ClusterOptions();

  /** Talks to a client's API. */
  interface Talk {
    void with(ApiClient client) throws IOException;
  }

  /**
   * Finds or starts a cluster, lets {@code talk} use it, and ends it again if it was started here.
   */
  void use(Talk talk) throws IOException, InterruptedException {
    if (url != null) {
      talk.with(new ApiClient(url));
      return;
    }
    try (LocalCluster local = cluster.cluster(0, false)) {
      local.start();
      ApiClient client = new ApiClient(local.awaitApi(READY_TIMEOUT));
      client.model(); // While the workers load: it has what an answer needs loaded here and there.
      local.awaitReady(READY_TIMEOUT);
      talk.with(client);
    }
  }
}
