package io.ladon.coordinator.api.http;

/** Told of what the server does, for metrics. Called on event loops: must not block. */
public interface HttpObserver {
  /**
   * A call is over.
   *
   * @param route the pattern that matched, or {@code unmatched}
   * @param status HTTP status; 499 where the client went away first
   */
  void finished(String route, String method, int status, long nanos);

  /** Connections that are open now. */
  void connections(int open);

  /** A stream was given up since its client read too slowly. */
  void slowReader();
}
