package io.ladon.cli;

import io.ladon.cli.client.BlockingHttp;
import io.ladon.coordinator.CoordinatorOptions;
import io.ladon.coordinator.HostPort;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Whether what runs on this machine is well; what a container's health check runs. */
@Command(
    name = "health",
    description =
        "Says whether the coordinator on this machine is ready or, where there is none, whether the"
            + " worker listens. The exit code is 0 if so.",
    sortOptions = false)
final class HealthCommand implements Callable<Integer> {

  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration ANSWER = Duration.ofSeconds(5);

  @Option(
      names = "--api",
      paramLabel = "HOST:PORT",
      description = "where the coordinator serves clients (default: ${DEFAULT-VALUE})",
      defaultValue = "127.0.0.1:" + CoordinatorOptions.DEFAULT_API_PORT)
  String api = "";

  @Option(names = "--bind", paramLabel = "HOST:PORT", description = "where peers reach the worker")
  @Nullable String bind;

  @CommandLine.Spec
  private CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    HostPort coordinator = here(HostPort.parse(api));
    try {
      BlockingHttp.Answer answer =
          new BlockingHttp(CONNECT, ANSWER)
              .get(URI.create("http://" + coordinator + "/health/ready"));
      try (InputStream body = answer.body()) {
        out.println(new String(body.readAllBytes(), StandardCharsets.UTF_8));
      }
      return answer.status() == 200 ? 0 : Main.FAILED;
    } catch (ConnectException e) {
      if (bind == null) {
        throw new IOException("no coordinator at " + coordinator, e);
      }
    }
    HostPort worker = here(HostPort.parse(bind));
    try (Socket socket = new Socket()) {
      socket.connect(worker.resolve(), Math.toIntExact(CONNECT.toMillis()));
    } catch (IOException e) {
      throw new IOException(
          "no coordinator at %s and no worker at %s".formatted(coordinator, worker), e);
    }
    out.println("worker listens at " + worker);
    return 0;
  }

  /** What listens on all addresses can be reached on this one. */
  private static HostPort here(HostPort listens) throws IOException {
    InetSocketAddress address = listens.resolve();
    return address.getAddress().isAnyLocalAddress()
        ? new HostPort(InetAddress.getLoopbackAddress().getHostAddress(), listens.port())
        : listens;
  }
}
