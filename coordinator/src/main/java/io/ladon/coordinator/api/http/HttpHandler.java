package io.ladon.coordinator.api.http;

/** Answers the calls of one route. */
@FunctionalInterface
public interface HttpHandler {
  /**
   * Answers, now or later, through the call. Runs on a handler thread, never on an event loop.
   *
   * @throws ApiException which is then the answer
   */
  void handle(HttpCall call) throws ApiException;
}
