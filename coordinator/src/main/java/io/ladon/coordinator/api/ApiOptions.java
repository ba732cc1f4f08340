package io.ladon.coordinator.api;

import io.ladon.coordinator.api.http.HttpLimits;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/**
 * What the API is told.
 *
 * @param listen where clients are served; port 0 takes a free one
 * @param http limits and timeouts of connections
 * @param defaultMaxTokens tokens of a chat answer whose request sets no limit, where the context
 *     leaves that many
 * @param maxChoices choices of one request: prompts times {@code n}
 * @param stallTimeout without a token after which an answer is given up; longer than the
 *     scheduler's own deadlines
 * @param corsOrigins origins whose pages may call the API from a browser; {@code *} for all
 */
public record ApiOptions(
    InetSocketAddress listen,
    HttpLimits http,
    int defaultMaxTokens,
    int maxChoices,
    Duration stallTimeout,
    List<String> corsOrigins) {

  private static final int DEFAULT_MAX_TOKENS = 2048;
  private static final int DEFAULT_MAX_CHOICES = 32;

  public ApiOptions {
    corsOrigins = List.copyOf(corsOrigins);
    if (defaultMaxTokens < 1 || maxChoices < 1) {
      throw new IllegalArgumentException(
          "defaultMaxTokens (%d) and maxChoices (%d) must be positive"
              .formatted(defaultMaxTokens, maxChoices));
    }
    if (stallTimeout.isNegative() || stallTimeout.isZero()) {
      throw new IllegalArgumentException("stallTimeout must be positive, not " + stallTimeout);
    }
  }

  /** 2048 tokens, 32 choices, ten minutes, no foreign pages. */
  public static ApiOptions at(InetSocketAddress listen) {
    return new ApiOptions(
        listen,
        HttpLimits.DEFAULT,
        DEFAULT_MAX_TOKENS,
        DEFAULT_MAX_CHOICES,
        Duration.ofMinutes(10),
        List.of());
  }

  /** The same with other limits and timeouts of connections. */
  public ApiOptions withHttp(HttpLimits limits) {
    return new ApiOptions(listen, limits, defaultMaxTokens, maxChoices, stallTimeout, corsOrigins);
  }

  /** The same with another answer length where the client sets none. */
  public ApiOptions withDefaultMaxTokens(int tokens) {
    return new ApiOptions(listen, http, tokens, maxChoices, stallTimeout, corsOrigins);
  }

  /** The same with another patience with the service. */
  public ApiOptions withStallTimeout(Duration timeout) {
    return new ApiOptions(listen, http, defaultMaxTokens, maxChoices, timeout, corsOrigins);
  }

  /** The same with these origins. */
  public ApiOptions withCorsOrigins(List<String> origins) {
    return new ApiOptions(listen, http, defaultMaxTokens, maxChoices, stallTimeout, origins);
  }
}
