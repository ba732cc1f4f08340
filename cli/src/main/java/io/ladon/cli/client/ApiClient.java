package io.ladon.cli.client;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client of a coordinator's API. For many threads. */
public final class ApiClient {

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration RESPONSE_TIMEOUT = Duration.ofMinutes(5);

  private final JsonMapper json = JsonMapper.shared();
  private final BlockingHttp http = new BlockingHttp(CONNECT_TIMEOUT, RESPONSE_TIMEOUT);
  private final String baseUrl;
  private volatile @Nullable String model;

  /**
   * @param baseUrl of the API, e.g. {@code http://127.0.0.1:8080}
   */
  public ApiClient(String baseUrl) {
    this.baseUrl = baseUrl.endsWith("/") ? baseUrl.substring(0, baseUrl.length() - 1) : baseUrl;
  }

  /** Name of the model that is served; asked for once. */
  public String model() throws IOException {
    String known = model;
    if (known == null) {
      known = get("/v1/models").path("data").path(0).path("id").asString();
      model = known;
    }
    return known;
  }

  /** The JSON at a path. */
  public JsonNode get(String path) throws IOException {
    BlockingHttp.Answer answer = fetch(path);
    try (InputStream body = answer.body()) {
      return parse(answer.status(), body);
    }
  }

  /** The text at a path. */
  public String text(String path) throws IOException {
    BlockingHttp.Answer answer = fetch(path);
    try (InputStream body = answer.body()) {
      String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
      if (answer.status() != 200) {
        throw new IOException("HTTP status %d: %s".formatted(answer.status(), text));
      }
      return text;
    }
  }

  private BlockingHttp.Answer fetch(String path) throws IOException {
    try {
      return http.get(URI.create(baseUrl + path));
    } catch (IOException e) {
      throw unanswered(e);
    }
  }

  private IOException unanswered(IOException e) {
    return new IOException("no answer from %s: %s".formatted(baseUrl, e.getMessage()), e);
  }

  /** Posts JSON and gives the JSON that comes back whole. */
  public JsonNode post(String path, Map<String, Object> body) throws IOException {
    BlockingHttp.Answer answer = send(path, body);
    try (InputStream stream = answer.body()) {
      return parse(answer.status(), stream);
    }
  }

  private BlockingHttp.Answer send(String path, Map<String, Object> body) throws IOException {
    try {
      return http.post(URI.create(baseUrl + path), json.writeValueAsBytes(body));
    } catch (IOException e) {
      throw unanswered(e);
    }
  }

  /**
   * Streams an answer.
   *
   * @param path {@code /v1/chat/completions} or {@code /v1/completions}
   * @param parameters of the request; streaming with usage is added
   * @param text gets each piece of the answer as it comes
   * @return what the server said of the whole at the end
   * @throws IOException if the server refuses, or the stream breaks off; the message is the
   *     server's own where there is one
   */
  public Answer stream(String path, Map<String, Object> parameters, Consumer<String> text)
      throws IOException {
    Map<String, Object> body = new LinkedHashMap<>(parameters);
    body.put("stream", true);
    body.put("stream_options", Map.of("include_usage", true));
    BlockingHttp.Answer answer = send(path, body);
    try (InputStream stream = answer.body()) {
      if (answer.status() != 200) {
        parse(answer.status(), stream);
      }
      return read(stream, text);
    }
  }

  private Answer read(InputStream stream, Consumer<String> text) throws IOException {
    BufferedReader reader =
        new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
    String finishReason = null;
    JsonNode last = null;
    for (String line = next(reader); line != null; line = next(reader)) {
      if (!line.startsWith("data: ")) {
        continue;
      }
      String data = line.substring("data: ".length());
      if (data.equals("[DONE]")) {
        return new Answer(finishReason, last);
      }
      JsonNode event = json.readTree(data);
      refuseError(event, 200);
      if (event.has("usage") && !event.path("usage").isNull()) {
        last = event;
      }
      JsonNode choice = event.path("choices").path(0);
      JsonNode piece = choice.path("delta").path("content");
      if (!piece.isString()) {
        piece = choice.path("text");
      }
      if (piece.isString() && !piece.asString().isEmpty()) {
        text.accept(piece.asString());
      }
      if (choice.path("finish_reason").isString()) {
        finishReason = choice.path("finish_reason").asString();
      }
    }
    throw new IOException("the answer broke off");
  }

  private static @Nullable String next(BufferedReader reader) throws IOException {
    try {
      return reader.readLine();
    } catch (IOException e) {
      throw new IOException("the answer broke off: " + e.getMessage(), e);
    }
  }

  private JsonNode parse(int status, InputStream body) throws IOException {
    byte[] bytes = body.readAllBytes();
    JsonNode answer;
    try {
      answer = json.readTree(bytes);
    } catch (JacksonException e) {
      throw new IOException(
          "HTTP status %d: %s".formatted(status, new String(bytes, StandardCharsets.UTF_8)), e);
    }
    refuseError(answer, status);
    return answer;
  }

  private static void refuseError(JsonNode answer, int status) throws IOException {
    JsonNode message = answer.path("error").path("message");
    if (message.isString()) {
      throw new IOException(message.asString());
    }
    if (status != 200) {
      throw new IOException("HTTP status " + status);
    }
  }

  /**
   * How an answer ended.
   *
   * @param finishReason {@code stop} or {@code length}
   * @param last the event that carries {@code usage} and {@code timings}; null if the server sent
   *     none
   */
  public record Answer(@Nullable String finishReason, @Nullable JsonNode last) {

    /**
     * One line for people: tokens, of them those that had been drafted, tokens per second, time to
     * the first token, share of time in exchanges.
     */
    public String figures() {
      if (last == null) {
        return "";
      }
      JsonNode timings = last.path("timings");
      JsonNode usage = last.path("usage");
      int drafts = timings.path("draft_n_accepted").asInt();
      return "%d prompt tokens, %.1f tokens/s; %d generated%s, %.1f tokens/s; first token after %.0f ms; %.0f %% of the time in exchanges"
          .formatted(
              usage.path("prompt_tokens").asInt(),
              timings.path("prompt_tokens_per_second").asDouble(),
              usage.path("completion_tokens").asInt(),
              drafts == 0 ? "" : " (" + drafts + " of them drafted)",
              timings.path("generated_tokens_per_second").asDouble(),
              timings.path("time_to_first_token_ms").asDouble(),
              100 * timings.path("exchange_share").asDouble());
    }
  }
}
