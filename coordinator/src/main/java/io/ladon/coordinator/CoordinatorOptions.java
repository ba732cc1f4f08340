package io.ladon.coordinator;

import io.ladon.engine.plan.Split;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a coordinator is told.
 *
 * @param model the GGUF file
 * @param modelId what clients call the model
 * @param listen where workers join; port 0 takes a free one
 * @param apiListen where clients are served; port 0 takes a free one
 * @param expectedWorkers ranks of the plan: the cluster serves once so many have joined
 * @param shares relative speed by rank; empty for equal ranks
 * @param outputSplit split of the output projection; null lets the plan choose
 * @param downSplit split of down; null lets the plan choose
 * @param kvPrecision of the KV cache
 * @param cacheDirectory where checksums of checkpoints are kept; null keeps none
 * @param limits how much of everything
 * @param timeouts how long for everything
 */
public record CoordinatorOptions(
    Path model,
    String modelId,
    HostPort listen,
    HostPort apiListen,
    int expectedWorkers,
    List<Double> shares,
    @Nullable Split outputSplit,
    @Nullable Split downSplit,
    KvPrecision kvPrecision,
    @Nullable Path cacheDirectory,
    Limits limits,
    Timeouts timeouts) {

  /** Where clients are served unless told otherwise. */
  public static final int DEFAULT_API_PORT = 8080;

  /** Where workers join unless told otherwise. */
  public static final int DEFAULT_PORT = 7700;

  public CoordinatorOptions {
    shares = List.copyOf(shares);
    if (modelId.isBlank()) {
      throw new IllegalArgumentException("the model needs an id that clients can call it by");
    }
    if (expectedWorkers < 1) {
      throw new IllegalArgumentException(
          "a cluster of %d workers: at least 1".formatted(expectedWorkers));
    }
  }

  /** Loopback addresses, splits chosen by the plan, default limits; named after the file. */
  public static CoordinatorOptions of(Path model, int expectedWorkers) {
    Path file = model.getFileName();
    String name = file == null ? model.toString() : file.toString();
    return new CoordinatorOptions(
        model,
        name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name,
        new HostPort("127.0.0.1", DEFAULT_PORT),
        new HostPort("127.0.0.1", DEFAULT_API_PORT),
        expectedWorkers,
        List.of(),
        null,
        null,
        KvPrecision.F16,
        null,
        Limits.defaults(),
        Timeouts.defaults());
  }

  /** The same on other addresses. */
  public CoordinatorOptions withAddresses(HostPort workers, HostPort clients) {
    return new CoordinatorOptions(
        model,
        modelId,
        workers,
        clients,
        expectedWorkers,
        shares,
        outputSplit,
        downSplit,
        kvPrecision,
        cacheDirectory,
        limits,
        timeouts);
  }

  /** The same with other splits. */
  public CoordinatorOptions withSplits(@Nullable Split output, @Nullable Split down) {
    return new CoordinatorOptions(
        model,
        modelId,
        listen,
        apiListen,
        expectedWorkers,
        shares,
        output,
        down,
        kvPrecision,
        cacheDirectory,
        limits,
        timeouts);
  }

  /** The same with other limits. */
  public CoordinatorOptions withLimits(Limits other) {
    return new CoordinatorOptions(
        model,
        modelId,
        listen,
        apiListen,
        expectedWorkers,
        shares,
        outputSplit,
        downSplit,
        kvPrecision,
        cacheDirectory,
        other,
        timeouts);
  }

  /** The same with other deadlines. */
  public CoordinatorOptions withTimeouts(Timeouts other) {
    return new CoordinatorOptions(
        model,
        modelId,
        listen,
        apiListen,
        expectedWorkers,
        shares,
        outputSplit,
        downSplit,
        kvPrecision,
        cacheDirectory,
        limits,
        other);
  }
}
