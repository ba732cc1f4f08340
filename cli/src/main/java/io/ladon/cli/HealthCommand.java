package io.ladon.cli;

import io.ladon.coordinator.CoordinatorOptions;
import io.ladon.coordinator.HostPort;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
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
  public Integer call() throws IOException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    HostPort coordinator = here(HostPort.parse(api));
    try {
      HttpResponse<String> answer = ask(URI.create("http://" + coordinator + "/health/ready"));
      out.println(answer.body());
      return answer.statusCode() == 200 ? 0 : Main.FAILED;
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

  private static HttpResponse<String> ask(URI uri) throws IOException, InterruptedException {
    try (HttpClient http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .build()) {
      return http.send(
          HttpRequest.newBuilder(uri).timeout(ANSWER).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }
}
