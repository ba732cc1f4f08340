package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.template.ChatTemplate;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server on loopback with its scripted service, and a client. */
public final class ApiFixture implements AutoCloseable {
  public static final String CHATML =
      "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
          + "{{ message['content'] }}<|im_end|>\n{% endfor %}"
          + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  public final ScriptedService service = new ScriptedService();
  public final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final HttpClient client =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  private final ApiServer server;

  public ApiFixture() throws IOException {
    this(ChatTemplate.compile(CHATML), true, options -> options);
  }

  public ApiFixture(
      @Nullable ChatTemplate template, boolean addsBegin, UnaryOperator<ApiOptions> change)
      throws IOException {
    ApiOptions options = ApiOptions.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    server =
        new ApiServer(
            service, new ByteTokenizer(addsBegin), template, registry, change.apply(options));
    server.start();
  }

  public static ApiFixture with(UnaryOperator<ApiOptions> change) throws IOException {
    return new ApiFixture(ChatTemplate.compile(CHATML), true, change);
  }

  /** An answer: status, JSON (null if it is none), and the rest. */
  public record Reply(int status, @Nullable JsonNode parsed, HttpResponse<String> response) {
    public JsonNode json() {
      if (parsed == null) {
        throw new AssertionError("no JSON: " + response.body());
      }
      return parsed;
    }

    /** {@code error.param} of an error; the status and the shape are checked. */
    public @Nullable String errorParam(int expectedStatus) {
      assertThat(status).as(response.body()).isEqualTo(expectedStatus);
      JsonNode error = json().get("error");
      assertThat(error.propertyNames())
          .containsExactlyInAnyOrder("message", "type", "param", "code");
      assertThat(error.get("message").isString()).isTrue();
      return error.get("param").isNull() ? null : error.get("param").stringValue();
    }

    public String errorMessage() {
      return json().get("error").get("message").stringValue();
    }

    public @Nullable String errorCode() {
      return json().get("error").get("code").stringValue();
    }
  }

  public InetSocketAddress address() {
    return server.address();
  }

  public URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.address().getPort() + path);
  }

  public HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(20));
  }

  public Reply send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    String type = response.headers().firstValue("content-type").orElse("");
    boolean json = type.startsWith("application/json") && !response.body().isEmpty();
    return new Reply(
        response.statusCode(), json ? MAPPER.readTree(response.body()) : null, response);
  }

  public Reply get(String path) throws IOException, InterruptedException {
    return send(request(path).build());
  }

  public Reply post(String path, String body) throws IOException, InterruptedException {
    return send(
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build());
  }

  /** A chat request with one message and these further fields. */
  public Reply chat(String fields) throws IOException, InterruptedException {
    return post("/v1/chat/completions", chatBody(fields));
  }

  public static String chatBody(String fields) {
    return "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"
        + (fields.isEmpty() ? "" : "," + fields)
        + "}";
  }

  /** A completion request with a prompt and these further fields. */
  public Reply complete(String fields) throws IOException, InterruptedException {
    return post("/v1/completions", completionBody(fields));
  }

  public static String completionBody(String fields) {
    return "{\"prompt\":\"Hi\"" + (fields.isEmpty() ? "" : "," + fields) + "}";
  }

  /** The events of a stream, the last one (which must be there) not among them. */
  public List<JsonNode> events(Reply reply) {
    List<String> data = data(reply);
    assertThat(data.getLast()).isEqualTo("[DONE]");
    return data.subList(0, data.size() - 1).stream().map(MAPPER::readTree).toList();
  }

  /** The data of a stream's events. */
  public static List<String> data(Reply reply) {
    assertThat(reply.status()).as(reply.response().body()).isEqualTo(200);
    assertThat(reply.response().headers().firstValue("content-type").orElse(""))
        .isEqualTo("text/event-stream; charset=utf-8");
    List<String> data = new ArrayList<>();
    for (String event : reply.response().body().split("\n\n", -1)) {
      if (!event.isEmpty()) {
        assertThat(event).startsWith("data: ").doesNotContain("\n");
        data.add(event.substring("data: ".length()));
      }
    }
    return data;
  }

  public static JsonNode parse(String json) {
    return MAPPER.readTree(json);
  }

  @Override
  public void close() {
    client.close();
    server.close();
    service.close();
  }
}
