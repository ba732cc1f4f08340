package io.ladon.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** A cluster of real processes, driven by the official OpenAI client; the last test breaks it. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class UpCommandIT {

  private static final String MODEL = "smollm2-135m-instruct";
  private static final Duration START = Duration.ofMinutes(5);

  private static LadonCommand up;
  private static String url;
  private static OpenAIClient client;

  @BeforeAll
  static void start() throws Exception {
    up = LadonCommand.start("up", "--workers", "3", "--port", "0", "--threads", "1");
    String line = up.awaitLine("ready at ", START);
    url = line.replaceFirst(".*ready at (http://[^: ]+:\\d+).*", "$1");
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(url + "/v1")
            .apiKey("none")
            .maxRetries(0)
            .timeout(Duration.ofMinutes(2))
            .build();
  }

  @AfterAll
  static void stop() {
    if (client != null) {
      client.close();
    }
    if (up != null) {
      up.close();
    }
  }

  private static ChatCompletionCreateParams question(String text, int maxTokens) {
    return ChatCompletionCreateParams.builder()
        .model(MODEL)
        .addUserMessage(text)
        .temperature(0)
        .maxCompletionTokens(maxTokens)
        .build();
  }

  private static String ask(String text) {
    ChatCompletion answer = client.chat().completions().create(question(text, 24));
    return answer.choices().getFirst().message().content().orElseThrow();
  }

  private static String stream(String text) {
    try (StreamResponse<ChatCompletionChunk> response =
        client.chat().completions().createStreaming(question(text, 24))) {
      return response.stream()
          .flatMap(chunk -> chunk.choices().stream())
          .flatMap(choice -> choice.delta().content().stream())
          .collect(Collectors.joining());
    }
  }

  @Test
  @Order(1)
  void streamsWhatItSaysAtOnce() {
    assertThat(stream("What is the capital of France?"))
        .isNotBlank()
        .isEqualTo(ask("What is the capital of France?"));
  }

  @Test
  @Order(2)
  void saysTheSameAmongOthers() throws Exception {
    List<String> questions =
        List.of("Count to five.", "Name a fish.", "What is 2 + 2?", "Say hello in French.");
    List<String> alone = questions.stream().map(UpCommandIT::ask).toList();
    try (ExecutorService executor = Executors.newFixedThreadPool(8)) {
      List<Future<String>> together = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        String text = questions.get(i % questions.size());
        together.add(executor.submit(() -> stream(text)));
      }
      for (int i = 0; i < 8; i++) {
        assertThat(together.get(i).get(2, TimeUnit.MINUTES))
            .isEqualTo(alone.get(i % questions.size()));
      }
    }
  }

  @Test
  @Order(3)
  void isReadyAndTellsItsFigures() throws Exception {
    assertThat(get("/health/ready").statusCode()).isEqualTo(200);
    assertThat(get("/metrics").body()).contains("ladon_");
    assertThat(get("/v1/models").body()).contains(MODEL);
  }

  @Test
  @Order(4)
  void failsClearlyWhenAWorkerDiesAndServesAgain() throws Exception {
    String before = ask("Name a fish.");
    List<ProcessHandle> workers = up.living("worker");
    assertThat(workers).hasSize(3);
    try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
      Future<ChatCompletion> long1 =
          executor.submit(
              () ->
                  client
                      .chat()
                      .completions()
                      .create(question("Tell me a very long story about a sea serpent.", 1500)));
      Awaitility.await("the request runs")
          .atMost(Duration.ofSeconds(30))
          .until(
              () ->
                  get("/metrics")
                      .body()
                      .matches("(?s).*ladon_requests_running[^\\n]* 1(\\.0)?\\n.*"));
      assertThat(workers.getFirst().destroyForcibly()).isTrue();
      assertThatThrownBy(() -> long1.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(OpenAIException.class);
      assertThat(get("/health/ready").statusCode()).isEqualTo(503);
    }
    // The command starts the worker again; the coordinator makes a new plan by itself.
    Awaitility.await("the cluster serves again")
        .atMost(Duration.ofSeconds(60))
        .until(() -> get("/health/ready").statusCode() == 200);
    assertThat(ask("Name a fish.")).isEqualTo(before);
  }

  private static HttpResponse<String> get(String path) throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(
          HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofSeconds(10)).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }
}
