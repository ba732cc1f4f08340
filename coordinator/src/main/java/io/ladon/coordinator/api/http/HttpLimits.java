package io.ladon.coordinator.api.http;

import java.time.Duration;

/**
 * What one server accepts and how long it waits.
 *
 * @param maxBodyBytes longest request body; longer ones get 413
 * @param maxConnections open connections; further ones are closed at once
 * @param streamBufferBytes what a stream may hold back for a client that reads slowly; when it is
 *     full, the stream is given up
 * @param handlerThreads threads that parse and tokenize requests
 * @param receiveTimeout from a request's first byte to its last
 * @param idleTimeout without a request on an open connection
 * @param writeTimeout without the client taking a byte of what waits for it
 */
public record HttpLimits(
    int maxBodyBytes,
    int maxConnections,
    int streamBufferBytes,
    int handlerThreads,
    Duration receiveTimeout,
    Duration idleTimeout,
    Duration writeTimeout) {

  /** 4 MiB bodies, 256 connections, 1 MiB of stream buffer, 2 threads; 30, 75 and 30 seconds. */
  public static final HttpLimits DEFAULT =
      new HttpLimits(
          4 << 20,
          256,
          1 << 20,
          2,
          Duration.ofSeconds(30),
          Duration.ofSeconds(75),
          Duration.ofSeconds(30));

  public HttpLimits {
    positive("maxBodyBytes", maxBodyBytes);
    positive("maxConnections", maxConnections);
    positive("streamBufferBytes", streamBufferBytes);
    positive("handlerThreads", handlerThreads);
    positive("receiveTimeout", receiveTimeout.toMillis());
    positive("idleTimeout", idleTimeout.toMillis());
    positive("writeTimeout", writeTimeout.toMillis());
  }

  private static void positive(String name, long value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive, not " + value);
    }
  }
}
