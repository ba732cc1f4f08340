package io.ladon.coordinator.api.http;

import io.ladon.coordinator.generate.ErrorCode;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds the handler of a call, and turns what goes wrong in it into an answer. */
public final class Router {
  private static final Logger log = LoggerFactory.getLogger(Router.class);

  /** Pattern to method to handler; a pattern that ends in {@code /*} matches any non-empty rest. */
  private final Map<String, Map<String, HttpHandler>> routes = new LinkedHashMap<>();

  /** Adds a route. A GET answers HEAD too. */
  public Router add(String method, String pattern, HttpHandler handler) {
    routes.computeIfAbsent(pattern, any -> new TreeMap<>()).put(method, handler);
    return this;
  }

  void dispatch(HttpCall call) {
    try {
      ApiException refusal = call.refusal();
      if (refusal != null) {
        throw refusal;
      }
      find(call).handle(call);
    } catch (ApiException e) {
      call.fail(e);
    } catch (RuntimeException e) {
      log.error("{} {} failed", call.method(), call.path(), e);
      call.fail(ApiException.of(ErrorCode.INTERNAL, "internal error; the server's log says more"));
    }
  }

  private HttpHandler find(HttpCall call) throws ApiException {
    String pattern = match(call.path());
    Map<String, HttpHandler> methods = pattern == null ? null : routes.get(pattern);
    if (pattern == null || methods == null) {
      throw ApiException.of(
          ErrorCode.NOT_FOUND, "unknown URL: " + call.method() + " " + call.path());
    }
    call.matched(pattern);
    HttpHandler handler = methods.get(call.method().equals("HEAD") ? "GET" : call.method());
    if (handler == null) {
      String allowed = String.join(", ", methods.keySet()).toUpperCase(Locale.ROOT);
      throw ApiException.of(
              ErrorCode.METHOD_NOT_ALLOWED,
              call.path() + " takes " + allowed + ", not " + call.method())
          .withHeader("Allow", allowed);
    }
    return handler;
  }

  private @Nullable String match(String path) {
    if (routes.containsKey(path) && !path.endsWith("/*")) {
      return path;
    }
    for (String pattern : routes.keySet()) {
      if (pattern.endsWith("/*")) {
        String prefix = pattern.substring(0, pattern.length() - 1);
        if (path.startsWith(prefix) && path.length() > prefix.length()) {
          return pattern;
        }
      }
    }
    return null;
  }
}
