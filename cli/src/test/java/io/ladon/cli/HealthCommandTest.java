package io.ladon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class HealthCommandTest {

  private final StringWriter output = new StringWriter();

  private int health(int apiPort, int peerPort) {
    CommandLine command = new CommandLine(new HealthCommand());
    command.setOut(new PrintWriter(output));
    command.setExecutionExceptionHandler(
        (e, line, parsed) -> {
          line.getOut().println(e.getMessage());
          return Main.FAILED;
        });
    return command.execute("--api", "0.0.0.0:" + apiPort, "--bind", "0.0.0.0:" + peerPort);
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(anyPort());
      return socket.getLocalPort();
    }
  }

  private static HttpServer coordinator(int status) throws Exception {
    HttpServer server = HttpServer.create(anyPort(), 0);
    byte[] body = "{\"reason\": \"so be it\"}".getBytes(StandardCharsets.UTF_8);
    server.createContext(
        "/health/ready",
        exchange -> {
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    return server;
  }

  @Test
  void aCoordinatorIsWellWhileItsClusterIsReady() throws Exception {
    HttpServer ready = coordinator(200);
    HttpServer notReady = coordinator(503);
    try {
      assertThat(health(ready.getAddress().getPort(), freePort())).isZero();
      assertThat(health(notReady.getAddress().getPort(), freePort())).isEqualTo(Main.FAILED);
      assertThat(output.toString()).contains("so be it");
    } finally {
      ready.stop(0);
      notReady.stop(0);
    }
  }

  @Test
  void aWorkerIsWellWhileItListens() throws Exception {
    int nobody = freePort();
    try (ServerSocket peers = new ServerSocket()) {
      peers.bind(anyPort());
      assertThat(health(nobody, peers.getLocalPort())).isZero();
    }
  }

  @Test
  void whereNothingListensNothingIsWell() throws Exception {
    int nobody = freePort();
    assertThat(health(nobody, nobody)).isEqualTo(Main.FAILED);
    assertThat(output.toString()).contains("no coordinator at 127.0.0.1:" + nobody);
  }
}
