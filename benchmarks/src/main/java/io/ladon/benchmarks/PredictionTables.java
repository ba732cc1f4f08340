package io.ladon.benchmarks;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.PlanCosts;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.proxy.TcpProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tables of what was measured, and of what it says of machines of one rank each: their step is that
 * of {@link StepBenchmark}, and each layer exchanges what {@link LinkBenchmark} measured, less, for
 * a decoded token, what the proxy itself took (the parts of a prompt pass it while others are on
 * the way, so nothing is taken off there). Beside it stands what {@link PlanCosts} expects of
 * machines that are as quick as one rank of one was.
 *
 * <p>Arguments: a GGUF file, the results of StepBenchmark and of LinkBenchmark in JSON (JMH's
 * {@code -rf json}), then any number of results of {@code ladon bench --json} to set beside them.
 */
final class PredictionTables {

  private static final int PREFILL = 512;
  private static final int DECODE_AT = 127;

  /** What times would have to be multiplied with to be seconds. */
  private static final double MILLIS = 1e-3;

  private static final double MICROS = 1e-6;

  private static final String NONE = "none";

  private final ModelSpec spec;
  private final GgufHeader header;
  private final SortedMap<String, Double> steps = new TreeMap<>(); // seconds, by key
  private final SortedMap<String, Double> exchanges = new TreeMap<>();
  private final List<String> links = new ArrayList<>();
  private final MachineSpeed machine;

  private PredictionTables(ModelSpec spec, GgufHeader header, JsonNode step, JsonNode link)
      throws CheckpointException {
    this.spec = spec;
    this.header = header;
    for (JsonNode result : step) {
      JsonNode params = result.path("params");
      if (params.path("cut").asString().equals("MODEL")) {
        steps.put(
            key(params.path("ranks").asInt(), params.path("tokens").asInt()),
            MILLIS * median(result));
      }
    }
    for (JsonNode result : link) {
      JsonNode params = result.path("params");
      String name = params.path("link").asString();
      if (params.path("hidden").asInt() == spec.hiddenSize()) {
        exchanges.put(
            key(
                params.path("ranks").asInt(),
                params.path("tokens").asInt(),
                params.path("kind").asString(),
                name),
            MICROS * median(result));
        if (!links.contains(name)) {
          links.add(name);
        }
      }
    }
    this.machine = machine();
  }

  /** Prints the tables. */
  public static void main(String[] args) throws IOException {
    try (GgufFile file = GgufFile.open(Path.of(args[0]))) {
      ModelSpec spec = ModelSpecs.read(file.header());
      PredictionTables tables =
          new PredictionTables(spec, file.header(), read(args[1]), read(args[2]));
      tables.steps();
      tables.exchanges();
      tables.predictions();
      List<JsonNode> measured = new ArrayList<>();
      for (int i = 3; i < args.length; i++) {
        measured.add(read(args[i]));
      }
      tables.clusters(measured);
    }
  }

  private static JsonNode read(String path) {
    return JsonMapper.shared().readTree(Path.of(path).toFile());
  }

  private static double median(JsonNode result) {
    return result.path("primaryMetric").path("scorePercentiles").path("50.0").asDouble();
  }

  private static String key(Object... parts) {
    StringBuilder key = new StringBuilder();
    for (Object part : parts) {
      key.append(part).append(' ');
    }
    return key.toString();
  }

  /** What a machine of one rank reads and multiplies, by the steps of that rank. */
  private MachineSpeed machine() throws CheckpointException {
    ShardPlan one = ShardPlan.of(spec, PlanOptions.of(1));
    double bytes = bound(new MachineSpeed(1, 1e30), one, 1);
    double operations = bound(new MachineSpeed(1e30, 1), one, PREFILL);
    return new MachineSpeed(bytes / step(1, 1), operations / step(1, PREFILL));
  }

  private double bound(MachineSpeed speed, ShardPlan plan, int tokens) throws CheckpointException {
    return estimate(speed, LinkSpeed.SAME_MACHINE, plan, tokens).computeSeconds();
  }

  private PlanCosts.Estimate estimate(
      MachineSpeed speed, LinkSpeed link, ShardPlan plan, int tokens) throws CheckpointException {
    int positions = tokens == 1 ? DECODE_AT + 1 : tokens / 2;
    return new PlanCosts(spec, header, speed, link).step(plan, tokens, positions);
  }

  private double step(int ranks, int tokens) {
    return steps.getOrDefault(key(ranks, tokens), Double.NaN);
  }

  /** Seconds of one layer's exchanges in a plan, as measured. */
  private double layer(ShardPlan plan, int tokens, String link) {
    if (plan.size() == 1) {
      return 0;
    }
    return exchange(plan.size(), tokens, plan.output(), link)
        + exchange(plan.size(), tokens, plan.down(), link);
  }

  private double exchange(int ranks, int tokens, Split split, String link) {
    String kind =
        switch (split) {
          case WHOLE -> LinkBenchmark.Kind.GATHER.name();
          case COLUMNS -> LinkBenchmark.Kind.SUM.name();
          case ROWS -> throw new IllegalArgumentException("ROWS was not measured");
        };
    return exchanges.getOrDefault(key(ranks, tokens, kind, link), Double.NaN);
  }

  /** Seconds of one layer's exchanges that are the proxy's own, not the network's. */
  private double proxy(ShardPlan plan, int tokens, String link) {
    return tokens > 1 || LinkBenchmark.parse(link) == null
        ? 0
        : layer(plan, tokens, LinkBenchmark.PROXY_ALONE) - layer(plan, tokens, NONE);
  }

  private static LinkSpeed speed(String link) {
    TcpProxy.Link parsed = LinkBenchmark.parse(link);
    return parsed == null || parsed.bytesPerSecond() == 0
        ? LinkSpeed.ofNetwork(0, LinkSpeed.SAME_MACHINE.bytesPerSecond())
        : LinkSpeed.ofNetwork(parsed.delayNanos() / 1e9, (double) parsed.bytesPerSecond());
  }

  private static void print(String format, Object... values) {
    System.out.printf(Locale.ROOT, format + "%n", values);
  }

  private void steps() throws CheckpointException {
    print("One rank's step, ms, and what is expected of a machine that is as quick as the one");
    print("rank of one: %.1f GB/s, %.0f G operations/s", gigas(machine)[0], gigas(machine)[1]);
    print("%n| N | output, down | decode | expected | prefill of %d | expected |", PREFILL);
    print("| --- | --- | --- | --- | --- | --- |");
    for (int ranks : ranks()) {
      ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(ranks));
      print(
          "| %d | %s, %s | %.2f | %.2f | %.0f | %.0f |",
          ranks,
          plan.output(),
          plan.down(),
          1e3 * step(ranks, 1),
          1e3 * bound(machine, plan, 1),
          1e3 * step(ranks, PREFILL),
          1e3 * bound(machine, plan, PREFILL));
    }
  }

  private static double[] gigas(MachineSpeed speed) {
    return new double[] {speed.readBytesPerSecond() / 1e9, speed.operationsPerSecond() / 1e9};
  }

  private List<Integer> ranks() {
    List<Integer> all = new ArrayList<>();
    for (int ranks = 1; ranks <= spec.queryHeads(); ranks++) {
      if (!Double.isNaN(step(ranks, 1))) {
        all.add(ranks);
      }
    }
    return all;
  }

  private void exchanges() throws CheckpointException {
    print("%nOne layer's exchanges, ms: a gather and a sum (WHOLE, COLUMNS)");
    print(
        "%n| link | N | decode: gather | sum | both | less the proxy | expected | prefill of %d: gather | sum | both | expected |",
        PREFILL);
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (String link : links) {
      for (int ranks : ranks()) {
        if (ranks > 1) {
          ShardPlan plan =
              ShardPlan.of(spec, new PlanOptions(ranks, List.of(), Split.WHOLE, Split.COLUMNS));
          print(
              "| %s | %d %s%s |",
              link, ranks, layer(plan, 1, link, 3), layer(plan, PREFILL, link, 1));
        }
      }
    }
  }

  private String layer(ShardPlan plan, int tokens, String link, int digits)
      throws CheckpointException {
    List<Double> seconds = new ArrayList<>();
    seconds.add(exchange(plan.size(), tokens, Split.WHOLE, link));
    seconds.add(exchange(plan.size(), tokens, Split.COLUMNS, link));
    seconds.add(layer(plan, tokens, link));
    if (tokens == 1) {
      seconds.add(layer(plan, tokens, link) - proxy(plan, tokens, link));
    }
    seconds.add(estimate(machine, speed(link), plan, tokens).exchangeSeconds() / spec.layers());
    StringBuilder cells = new StringBuilder();
    for (double each : seconds) {
      cells.append(String.format(Locale.ROOT, "| %." + digits + "f ", 1e3 * each));
    }
    return cells.toString();
  }

  private void predictions() throws CheckpointException {
    print("%nMachines of one rank each: tokens/s (times those of one machine), by what was");
    print("measured of a step and of an exchange, and by PlanCosts");
    print("%n| link | N | decode, measured | PlanCosts | prefill, measured | PlanCosts |");
    print("| --- | --- | --- | --- | --- | --- |");
    for (String link : links) {
      if (link.equals(LinkBenchmark.PROXY_ALONE)) {
        continue; // no network
      }
      for (int ranks : ranks()) {
        ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(ranks));
        print("| %s | %d %s%s|", link, ranks, speeds(plan, 1, link), speeds(plan, PREFILL, link));
      }
    }
    print("| distributed-llama, 7B, as published | 4 | 1.90 times | | | |");
    print("| distributed-llama, 70B, as published | 4 | 3.10 times | | | |");
  }

  private String speeds(ShardPlan plan, int tokens, String link) throws CheckpointException {
    double measured = seconds(plan, tokens, link);
    double expected = estimate(machine, speed(link), plan, tokens).seconds();
    double one = step(1, tokens);
    return String.format(
        Locale.ROOT,
        "| %.1f (%.2f) | %.1f (%.2f) ",
        tokens / measured,
        one / measured,
        tokens / expected,
        one / expected);
  }

  private double seconds(ShardPlan plan, int tokens, String link) {
    return step(plan.size(), tokens)
        + spec.layers() * (layer(plan, tokens, link) - proxy(plan, tokens, link));
  }

  private void clusters(List<JsonNode> results) {
    if (results.isEmpty()) {
      return;
    }
    print("%nClusters of processes on this machine, tokens/s, beside what step and exchange say");
    print(
        "%n| link | N | decode | of it in exchanges | step and exchange | prefill | of it in exchanges | step and exchange |");
    print("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (JsonNode result : results) {
      ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(result.path("workers").asInt()));
      String link = link(result);
      print(
          "| %s | %d %s%s|",
          link,
          plan.size(),
          cluster(result, "decode", plan, 1, link),
          cluster(result, "prefill", plan, PREFILL, link));
    }
  }

  private String cluster(JsonNode result, String what, ShardPlan plan, int tokens, String link) {
    JsonNode speed = result.path(what + "_tokens_per_second");
    return String.format(
        Locale.ROOT,
        "| %.1f (%.1f-%.1f) | %.0f %% | %.1f ",
        speed.path("median").asDouble(),
        speed.path("min").asDouble(),
        speed.path("max").asDouble(),
        100 * result.path("exchange_share").path(what).asDouble(),
        tokens / seconds(plan, tokens, link));
  }

  /** The name of LinkBenchmark's link that a cluster was measured on. */
  private static String link(JsonNode result) {
    @Nullable JsonNode latency = result.get("link_latency_us");
    return latency == null
        ? NONE
        : "%dus/%dGbit"
            .formatted(latency.asInt(), result.path("link_bandwidth_mbit").asInt() / 1000);
  }
}
