package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ladon.coordinator.api.http.HttpLimits;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Clients that behave in ways that no HTTP library would. */
class ConnectionsTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  private static HttpLimits limits(int buffer, Duration receive, Duration idle, Duration write) {
    return new HttpLimits(1 << 20, 4, buffer, 2, receive, idle, write);
  }

  /** A client's end of a connection. */
  private static final class Client implements AutoCloseable {
    final Socket socket;
    final BufferedReader in;

    Client(ApiFixture api) throws IOException {
      this(api, 0);
    }

    Client(ApiFixture api, int receiveBuffer) throws IOException {
      socket = new Socket();
      if (receiveBuffer > 0) {
        socket.setReceiveBufferSize(receiveBuffer);
      }
      socket.connect(api.address(), 10_000);
      socket.setSoTimeout(10_000);
      in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    void send(String text) throws IOException {
      socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
      socket.getOutputStream().flush();
    }

    void post(String path, String body) throws IOException {
      send(request(path, body));
    }

    /** Reads up to the end of this text; returns all that came before it, and it. */
    String readTo(String text) throws IOException {
      StringBuilder seen = new StringBuilder();
      while (!seen.toString().endsWith(text)) {
        int next = in.read();
        assertThat(next).as("the connection ended after: %s", seen).isNotNegative();
        seen.append((char) next);
      }
      return seen.toString();
    }

    boolean isClosedByServer() throws IOException {
      try {
        while (in.readLine() != null) {
          // What was sent before the end is of no interest.
        }
        return true;
      } catch (java.net.SocketTimeoutException e) {
        return false;
      } catch (java.net.SocketException e) {
        return true;
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private static String request(String path, String body) {
    return "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(path, body.getBytes(StandardCharsets.UTF_8).length, body);
  }

  @Test
  void aClientThatGoesAwayStopsItsGeneration() throws Exception {
    for (String stream : new String[] {"true", "false"}) {
      try (ApiFixture api = new ApiFixture()) {
        CountDownLatch running = new CountDownLatch(1);
        api.service.script(
            play -> {
              play.say("a");
              running.countDown();
              play.endWhenCancelled();
            });
        try (Client client = new Client(api)) {
          client.post("/v1/chat/completions", ApiFixture.chatBody("\"stream\":" + stream));
          assertThat(running.await(10, TimeUnit.SECONDS)).isTrue();
          if (stream.equals("true")) {
            client.readTo("\"content\":\"a\"");
          }
        }
        await().atMost(SOON).until(() -> api.service.plays().getFirst().isCancelled());
        await()
            .atMost(SOON)
            .untilAsserted(
                () -> assertThat(api.get("/metrics").response().body()).contains("status=\"499\""));
      }
    }
  }

  @Test
  void aSlowReadersStreamIsGivenUpWhenItsBufferIsFull() throws Exception {
    HttpLimits small =
        limits(16 << 10, Duration.ofSeconds(30), Duration.ofSeconds(30), Duration.ofSeconds(30));
    try (ApiFixture api = ApiFixture.with(o -> o.withHttp(small))) {
      api.service.script(
          play -> {
            for (int i = 0; i < 20_000 && !play.isCancelled(); i++) {
              play.token(ByteTokenizer.BLOCK);
            }
          });
      try (Client client = new Client(api, 32 << 10)) {
        client.post("/v1/chat/completions", ApiFixture.chatBody("\"stream\":true"));
        await().atMost(SOON).until(() -> !api.service.plays().isEmpty());
        await().atMost(SOON).until(() -> api.service.plays().getFirst().isCancelled());
        assertThat(client.isClosedByServer()).isTrue();
      }
      assertThat(api.get("/metrics").response().body())
          .contains("ladon_api_slow_readers_total 1.0");
    }
  }

  @Test
  void aReaderThatTakesNothingIsClosedAfterTheWriteTimeout() throws Exception {
    HttpLimits impatient =
        limits(64 << 20, Duration.ofSeconds(30), Duration.ofSeconds(30), Duration.ofMillis(300));
    try (ApiFixture api = ApiFixture.with(o -> o.withHttp(impatient))) {
      api.service.script(
          play -> {
            for (int i = 0; i < 5_000; i++) {
              play.token(ByteTokenizer.BLOCK);
            }
            play.endWhenCancelled();
          });
      try (Client client = new Client(api, 32 << 10)) {
        client.post("/v1/chat/completions", ApiFixture.chatBody("\"stream\":true"));
        await().atMost(SOON).until(() -> !api.service.plays().isEmpty());
        await()
            .atMost(Duration.ofSeconds(30))
            .until(() -> api.service.plays().getFirst().isCancelled());
      }
    }
  }

  @Test
  void pipelinedRequestsAreAnsweredInTheirOrder() throws Exception {
    try (ApiFixture api = new ApiFixture();
        Client client = new Client(api)) {
      CountDownLatch sent = new CountDownLatch(1);
      api.service.script(
          play -> {
            try {
              if (sent.await(10, TimeUnit.SECONDS)) {
                play.token(play.request().prompt()[1]).end();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      client.send(
          request("/v1/completions", "{\"prompt\":\"one\",\"stream\":true}")
              + request("/v1/completions", "{\"prompt\":\"two\"}")
              + "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
              + request("/v1/completions", "{\"prompt\":\"xyz\"}"));
      await().atMost(SOON).until(() -> api.service.plays().size() == 1);
      sent.countDown();
      client.readTo("\"text\":\"o\"");
      client.readTo("[DONE]");
      client.readTo("\"text\":\"t\"");
      client.readTo("404");
      client.readTo("\"text\":\"x\"");
      assertThat(api.service.plays()).hasSize(3);
    }
  }

  @Test
  void anOversizedPipelinedRequestWaitsItsTurn() throws Exception {
    try (ApiFixture api = ApiFixture.with(o -> o.withHttp(HttpLimits.DEFAULT));
        Client client = new Client(api)) {
      CountDownLatch sent = new CountDownLatch(1);
      api.service.script(
          play -> {
            try {
              if (sent.await(10, TimeUnit.SECONDS)) {
                play.say("ok").end();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      client.send(
          request("/v1/completions", "{\"prompt\":\"one\"}")
              + "POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
      await().atMost(SOON).until(() -> api.service.plays().size() == 1);
      sent.countDown();
      client.readTo("HTTP/1.1 200");
      client.readTo("HTTP/1.1 413");
    }
  }

  @Test
  void connectionsAreKeptOrClosedAsTheClientSays() throws Exception {
    try (ApiFixture api = new ApiFixture()) {
      try (Client client = new Client(api)) {
        client.send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        client.readTo("live");
        client.send("GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        client.readTo("live");
        assertThat(client.isClosedByServer()).isTrue();
      }
      // HTTP/1.0 knows no chunks: the end of the connection is the end of the stream.
      try (Client client = new Client(api)) {
        String body = "{\"prompt\":\"Hi\",\"stream\":true}";
        client.send(
            "POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(body.length(), body));
        assertThat(client.readTo("\r\n\r\n"))
            .startsWith("HTTP/1.1 200 OK\r\n")
            .doesNotContain("chunked");
        assertThat(client.readTo("\n\n")).startsWith("data: {").contains("\"text\":\"H\"");
        client.readTo("data: [DONE]\n\n");
        assertThat(client.isClosedByServer()).isTrue();
      }
      try (Client client = new Client(api)) {
        client.send("HEAD /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assertThat(client.readTo("\r\n\r\n")).contains("200 OK", "content-length: 17");
        assertThat(client.in.read()).isEqualTo(-1);
      }
    }
  }

  @Test
  void whatIsNotHttpIsRefused() throws Exception {
    try (ApiFixture api = new ApiFixture()) {
      String[] broken = {
        "nonsense\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /" + "a".repeat(10_000) + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nX: " + "a".repeat(20_000) + "\r\n\r\n",
      };
      for (String text : broken) {
        try (Client client = new Client(api)) {
          client.send(text);
          assertThat(client.readTo("\r\n")).isEqualTo("HTTP/1.1 400 Bad Request\r\n");
          client.readTo("\"error\"");
        }
      }
    }
  }

  @Test
  void idleAndHesitantClientsAreClosed() throws Exception {
    HttpLimits impatient =
        limits(1 << 20, Duration.ofMillis(400), Duration.ofMillis(200), Duration.ofSeconds(5));
    try (ApiFixture api = ApiFixture.with(o -> o.withHttp(impatient))) {
      try (Client client = new Client(api)) {
        assertThat(client.isClosedByServer()).isTrue();
      }
      try (Client client = new Client(api)) {
        client.send("POST /tokenize HTTP/1.1\r\nHost:");
        assertThat(client.isClosedByServer()).isTrue();
      }
      // While an answer is in the making neither counts.
      CountDownLatch later = new CountDownLatch(1);
      api.service.script(
          play -> {
            try {
              if (later.await(10, TimeUnit.SECONDS)) {
                play.say("ok").end();
              }
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          });
      try (Client client = new Client(api);
          Client idle = new Client(api)) {
        client.post("/v1/completions", "{\"prompt\":\"Hi\"}");
        await().atMost(SOON).until(() -> api.service.plays().size() == 1);
        assertThat(idle.isClosedByServer()).isTrue();
        try (Client hesitant = new Client(api)) {
          hesitant.send("P");
          assertThat(hesitant.isClosedByServer()).isTrue();
        }
        later.countDown();
        client.readTo("ok");
      }
    }
  }

  @Test
  void connectionsAreLimited() throws Exception {
    HttpLimits few =
        limits(1 << 20, Duration.ofSeconds(30), Duration.ofSeconds(30), Duration.ofSeconds(30));
    try (ApiFixture api = ApiFixture.with(o -> o.withHttp(few));
        Client a = new Client(api);
        Client b = new Client(api);
        Client c = new Client(api);
        Client d = new Client(api)) {
      for (Client client : new Client[] {a, b, c, d}) {
        client.send("GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n");
        client.readTo("live");
      }
      try (Client e = new Client(api)) {
        assertThat(e.isClosedByServer()).isTrue();
      }
      a.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
      assertThat(a.readTo("ladon_api_connections 4.0")).isNotEmpty();
    }
  }

  @Test
  void closingTheServerCancelsWhatRuns() throws Exception {
    ApiFixture api = new ApiFixture();
    api.service.script(ScriptedService.Play::endWhenCancelled);
    try (Client client = new Client(api)) {
      client.post("/v1/chat/completions", ApiFixture.chatBody(""));
      await().atMost(SOON).until(() -> api.service.plays().size() == 1);
      api.close();
      assertThat(api.service.plays().getFirst().awaitCancel()).isTrue();
      assertThat(client.isClosedByServer()).isTrue();
    }
    api.close();
  }
}
