package io.ladon.coordinator.api;

import io.ladon.coordinator.api.http.HttpServer;
import io.ladon.coordinator.api.http.Router;
import io.ladon.coordinator.api.openai.OpenAiEndpoints;
import io.ladon.coordinator.api.openai.OpenAiOptions;
import io.ladon.coordinator.api.openai.TokenizerEndpoints;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.template.ChatTemplate;
import io.ladon.coordinator.tokenizer.Tokenizer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Clock;
import org.jspecify.annotations.Nullable;

/**
 * The coordinator's HTTP API. Serves from {@link #start} on, also while the cluster is not ready:
 * requests for tokens then get 503.
 */
public final class ApiServer implements AutoCloseable {
  private final HttpServer http;

  /**
   * @param template null for a model without one, which then has no chat
   * @param registry served at {@code /metrics}, the API's own meters among the others
   */
  public ApiServer(
      GenerationService service,
      Tokenizer tokenizer,
      @Nullable ChatTemplate template,
      PrometheusMeterRegistry registry,
      ApiOptions options) {
    OpenAiOptions openAi =
        new OpenAiOptions(
            options.defaultMaxTokens(),
            options.maxChoices(),
            options.stallTimeout(),
            Clock.systemUTC(),
            new SecureRandom());
    Router router = new Router();
    new OpenAiEndpoints(service, tokenizer, template, openAi).addTo(router);
    new TokenizerEndpoints(service, tokenizer).addTo(router);
    new OperatorEndpoints(service, registry).addTo(router);
    this.http =
        new HttpServer(
            options.listen(),
            options.http(),
            options.corsOrigins(),
            router,
            new ApiMetrics(registry));
  }

  /**
   * Binds and serves.
   *
   * @throws IOException if the address cannot be listened on
   */
  public void start() throws IOException {
    http.start();
  }

  /** Where it listens, with the port that it got. */
  public InetSocketAddress address() {
    return http.address();
  }

  /** Stops listening, cancels what runs, and closes every connection. */
  @Override
  public void close() {
    http.close();
  }
}
