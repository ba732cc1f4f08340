package io.ladon.coordinator.api;

import io.ladon.coordinator.api.http.HttpObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What is measured of the API itself. */
final class ApiMetrics implements HttpObserver {
  /** Any other method is counted as one, or a client could make labels without end. */
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH");

  private final MeterRegistry registry;
  private final AtomicInteger open = new AtomicInteger();
  private final Counter slowReaders;

  ApiMetrics(MeterRegistry registry) {
    this.registry = registry;
    this.slowReaders =
        Counter.builder("ladon.api.slow.readers")
            .description("Streams given up since the client read too slowly")
            .register(registry);
    Gauge.builder("ladon.api.connections", open, AtomicInteger::get)
        .description("Open connections of clients")
        .register(registry);
  }

  @Override
  public void finished(String route, String method, int status, long nanos) {
    Timer.builder("ladon.api.requests")
        .description("Requests from the last byte in to the last byte out; 499: the client left")
        .tag("route", route)
        .tag("method", METHODS.contains(method) ? method : "other")
        .tag("status", Integer.toString(status))
        .register(registry)
        .record(nanos, TimeUnit.NANOSECONDS);
  }

  @Override
  public void connections(int now) {
    open.set(now);
  }

  @Override
  public void slowReader() {
    slowReaders.increment();
  }
}
