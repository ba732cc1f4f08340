package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.it.LadonCommand;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The compose file, as users start it. */
class ComposeIT {

  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration READY = Duration.ofMinutes(4);

  /** Under this name 'deploy/docker-engine with' finds what a killed run leaves. */
  private static final String PROJECT =
      "ladon-"
          + Objects.requireNonNullElse(
              System.getenv("CONTAINER_RUN"), "run-" + ProcessHandle.current().pid());

  private final Path output = Path.of("target", "containers", "compose.log");

  @AfterEach
  void down() throws Exception {
    try {
      compose("logs", "--no-color");
    } finally {
      compose("down", "-v", "-t", "5");
    }
  }

  @Test
  void servesScalesAndStartsAgainFromItsVolume() throws Exception {
    Files.createDirectories(output.getParent());
    compose("up", "-d", "--no-build");
    JsonNode health = awaitReady(3);
    long fetched = 0;
    for (JsonNode worker : health.get("workers")) {
      fetched += worker.get("fetched_bytes").longValue();
    }
    assertThat(fetched).as("sent to three workers").isGreaterThan(Files.size(Model.file()) / 2);
    String text = ask();
    assertThat(text).isEqualTo(Model.expected().getFirst().text());
    assertThat(get("/metrics").body())
        .contains("ladon_cluster_ready 1")
        .contains("ladon_rank_links{exchange=\"grpc\"} 6"); // of three ranks each with two
    awaitHealthy(4);

    compose("down", "-t", "5");
    compose("up", "-d", "--no-build", "--scale", "worker=5");
    awaitReady(5);
    assertThat(ask()).isEqualTo(text);

    compose("down", "-t", "5");
    compose("up", "-d", "--no-build", "--scale", "worker=5");
    for (JsonNode worker : awaitReady(5).get("workers")) {
      assertThat(worker.get("fetched_bytes").longValue())
          .as("sent to %s at a second start", worker)
          .isZero();
    }
  }

  private JsonNode awaitReady(int workers) throws Exception {
    Awaitility.await("ready")
        .atMost(READY)
        .pollInterval(Duration.ofMillis(100))
        .ignoreException(IOException.class)
        .until(() -> get("/health/ready").statusCode() == 200);
    JsonNode health = JSON.readTree(get("/health/ready").body());
    assertThat(health.get("expected_workers").intValue()).isEqualTo(workers);
    assertThat(health.get("workers").size()).isEqualTo(workers);
    return health;
  }

  /** The image's own health check, of all containers. */
  private void awaitHealthy(int containers) {
    Awaitility.await("healthy")
        .atMost(Duration.ofMinutes(1))
        .pollInterval(Duration.ofSeconds(1))
        .until(() -> compose("ps").split("\\(healthy\\)", -1).length - 1 == containers);
  }

  private String ask() throws Exception {
    String body =
        JSON.writeValueAsString(
            Map.of(
                "messages",
                List.of(Map.of("role", "user", "content", Chat.QUESTIONS.getFirst())),
                "temperature",
                0,
                "max_tokens",
                Chat.TOKENS));
    try (HttpClient http = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          http.send(
              request("/v1/chat/completions")
                  .header("Content-Type", "application/json")
                  .POST(HttpRequest.BodyPublishers.ofString(body))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
      return JSON.readTree(answer.body()).at("/choices/0/message/content").stringValue();
    }
  }

  private HttpResponse<String> get(String path) throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
    }
  }

  private HttpRequest.Builder request(String path) throws Exception {
    String address = compose("port", "coordinator", "8080").strip();
    assertThat(address).startsWith("127.0.0.1:");
    return HttpRequest.newBuilder(URI.create("http://" + address + path))
        .timeout(Duration.ofSeconds(60));
  }

  private static boolean isPlugin() throws Exception {
    Process process =
        new ProcessBuilder("docker", "compose", "version")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("docker compose version does not end");
    }
    return process.exitValue() == 0;
  }

  /** Runs compose, the client's plugin or the program of its own, and gives what it printed. */
  private String compose(String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.addAll(isPlugin() ? List.of("docker", "compose") : List.of("docker-compose"));
    command.addAll(List.of("-p", PROJECT, "-f", "deploy/compose.yaml"));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(LadonCommand.root().toFile());
    builder.environment().put("LADON_MODEL", Model.file().toString());
    builder.environment().put("LADON_PORT", "0");
    Path out = Files.createTempFile("compose", ".out");
    try {
      builder.redirectOutput(out.toFile());
      builder.redirectError(ProcessBuilder.Redirect.appendTo(output.toFile()));
      Process process = builder.start();
      if (!process.waitFor(120, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError(String.join(" ", command) + " does not end");
      }
      String text = Files.readString(out);
      if (arguments[0].equals("logs")) {
        Files.writeString(output, text, StandardOpenOption.APPEND);
      }
      assertThat(process.exitValue())
          .as("%s: %s", String.join(" ", command), Files.readString(output))
          .isZero();
      return text;
    } finally {
      Files.delete(out);
    }
  }
}
