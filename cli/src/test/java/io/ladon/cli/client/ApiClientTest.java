package io.ladon.cli.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ApiClientTest {

  private static final String PIECE =
      "data: {\"choices\":[{\"delta\":{\"content\":\"%s\"},\"finish_reason\":%s}]}\n\n";

  private HttpServer server;
  private ApiClient client;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.start();
    client = new ApiClient("http://127.0.0.1:" + server.getAddress().getPort() + "/");
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private static void answer(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private void at(String path, HttpHandler handler) {
    server.createContext(path, handler);
  }

  @Test
  void asksForTheModelsNameOnce() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    at(
        "/v1/models",
        exchange -> {
          asked.incrementAndGet();
          answer(exchange, 200, "{\"data\":[{\"id\":\"some\"}]}");
        });
    assertThat(client.model()).isEqualTo("some");
    assertThat(client.model()).isEqualTo("some");
    assertThat(asked).hasValue(1);
  }

  @Test
  void piecesArriveWhileTheAnswerGoesOn() throws Exception {
    CountDownLatch firstSeen = new CountDownLatch(1);
    List<String> bodies = new ArrayList<>();
    at(
        "/v1/chat/completions",
        exchange -> {
          bodies.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          exchange.sendResponseHeaders(200, 0);
          write(exchange, PIECE.formatted("one ", "null"));
          try {
            assertThat(firstSeen.await(10, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          write(exchange, PIECE.formatted("two", "\"stop\""));
          write(exchange, "data: [DONE]\n\n");
          exchange.close();
        });
    StringBuilder text = new StringBuilder();
    ApiClient.Answer end =
        client.stream(
            "/v1/chat/completions",
            Map.of("n", 1),
            piece -> {
              text.append(piece);
              firstSeen.countDown();
            });
    assertThat(text.toString()).isEqualTo("one two");
    assertThat(end.finishReason()).isEqualTo("stop");
    assertThat(bodies).singleElement().asString().contains("\"stream\":true", "\"n\":1");
  }

  private static void write(HttpExchange exchange, String text) throws IOException {
    exchange.getResponseBody().write(text.getBytes(StandardCharsets.UTF_8));
    exchange.getResponseBody().flush();
  }

  @Test
  void anAnswerThatBreaksOffIsAnError() {
    at(
        "/v1/completions",
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          write(exchange, PIECE.formatted("one", "null"));
          exchange.close();
        });
    assertThatThrownBy(() -> client.stream("/v1/completions", Map.of(), piece -> {}))
        .hasMessageContaining("the answer broke off");
  }

  @Test
  void aRefusalIsToldInTheServersWords() {
    at("/v1/completions", exchange -> answer(exchange, 429, "{\"error\":{\"message\":\"full\"}}"));
    at("/metrics", exchange -> answer(exchange, 503, "later"));
    assertThatThrownBy(() -> client.post("/v1/completions", Map.of())).hasMessage("full");
    assertThatThrownBy(() -> client.stream("/v1/completions", Map.of(), piece -> {}))
        .hasMessage("full");
    assertThatThrownBy(() -> client.text("/metrics")).hasMessage("HTTP status 503: later");
  }

  @Test
  void whereNobodyListensTheAddressIsNamed() {
    server.stop(0);
    assertThatThrownBy(() -> client.get("/v1/models"))
        .hasMessageMatching("no answer from http://127.0.0.1:[0-9]+: Connection refused");
  }

  @Test
  void silenceEnds() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    at(
        "/silent",
        exchange -> {
          try {
            end.await(10, TimeUnit.SECONDS);
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
        });
    BlockingHttp http = new BlockingHttp(Duration.ofSeconds(5), Duration.ofMillis(50));
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/silent");
    assertThatThrownBy(
            () -> {
              try (InputStream body = http.get(uri).body()) {
                body.readAllBytes();
              }
            })
        .isInstanceOf(SocketTimeoutException.class);
    end.countDown();
  }
}
