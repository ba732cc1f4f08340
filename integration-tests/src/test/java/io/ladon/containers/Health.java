package io.ladon.containers;

import io.ladon.testcontainers.LadonCluster;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a coordinator says of its cluster. */
final class Health {

  private static final JsonMapper JSON = new JsonMapper();

  private Health() {}

  static JsonNode of(LadonCluster cluster) throws IOException, InterruptedException {
    return JSON.readTree(cluster.get("/health/ready").body());
  }

  /** The entry of the worker of that name. */
  static JsonNode worker(LadonCluster cluster, String name)
      throws IOException, InterruptedException {
    List<JsonNode> found =
        StreamSupport.stream(of(cluster).get("workers").spliterator(), false)
            .filter(worker -> worker.get("name").stringValue().equals(name))
            .toList();
    if (found.size() != 1) {
      throw new AssertionError("no single " + name + " in " + of(cluster));
    }
    return found.getFirst();
  }

  /** The value of a metric, which is named with its labels. */
  static double metric(LadonCluster cluster, String name) throws IOException, InterruptedException {
    return metricIfAny(cluster, name).orElseThrow(() -> new AssertionError("no metric " + name));
  }

  /** A counter with labels is there once something was counted. */
  static OptionalDouble metricIfAny(LadonCluster cluster, String name)
      throws IOException, InterruptedException {
    return cluster
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length() + 1)))
        .findFirst();
  }

  static void awaitMetric(LadonCluster cluster, String name, double value, Duration limit) {
    Awaitility.await(name + " is " + value)
        .atMost(limit)
        .pollInterval(Duration.ofMillis(20))
        .until(() -> metric(cluster, name) == value);
  }
}
