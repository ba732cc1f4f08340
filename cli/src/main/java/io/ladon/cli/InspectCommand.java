package io.ladon.cli;

import io.ladon.cli.catalogue.ModelStore;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.PlanCosts;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardInventory;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is in a model file. */
@Command(
    name = "inspect",
    description =
        "Prints a model's metadata, tensors and heads, and who would own what on some workers.",
    sortOptions = false)
final class InspectCommand implements Callable<Integer> {

  /** Longest value of a metadata key that is printed whole. */
  private static final int VALUE_LENGTH = 100;

  /** Positions that a decode step of the expected figures attends to. */
  private static final int DECODE_POSITIONS = 128;

  private static final int PREFILL_TOKENS = 512;

  @Parameters(paramLabel = "MODEL", description = "path of a GGUF file, or a name of the catalogue")
  String model = "";

  @Option(
      names = {"-w", "--workers"},
      description = "also print who would own what on this many workers")
  @Nullable Integer workers;

  @Option(
      names = "--output-split",
      description = "split of the output projection (default: the plan chooses)")
  @Nullable Split outputSplit;

  @Option(names = "--down-split", description = "split of down (default: the plan chooses)")
  @Nullable Split downSplit;

  @Option(
      names = "--link-latency",
      paramLabel = "MICROSECONDS",
      description =
          "of the network between two workers, one way (default: one machine, shared memory)")
  @Nullable Double latencyMicros;

  @Option(
      names = "--link-bandwidth",
      paramLabel = "MBIT/S",
      description = "of a worker's link to that network (default: the same)")
  @Nullable Double megabits;

  @Option(
      names = "--read-bandwidth",
      paramLabel = "MB/S",
      description = "at which a worker reads weights (default: ${DEFAULT-VALUE})",
      defaultValue = "15000")
  double readMegabytes;

  @Option(
      names = "--operations",
      paramLabel = "G/S",
      description = "of a worker in products with many tokens (default: ${DEFAULT-VALUE})",
      defaultValue = "200")
  double gigaOperations;

  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  @Override
  public Integer call() throws Exception {
    try (GgufFile file = GgufFile.open(ModelStore.find(model))) {
      GgufHeader header = file.header();
      out.printf("file: %s, GGUF v%d%n%nmetadata:%n", file.path(), header.version());
      for (Map.Entry<String, Object> entry : header.metadata().entrySet()) {
        out.printf("  %s = %s%n", entry.getKey(), describe(entry.getValue()));
      }
      out.printf("%ntensors:%n");
      for (TensorInfo tensor : header.tensors().values()) {
        out.printf(
            "  %-36s %-5s %7d x %-7d %12d bytes%n",
            tensor.name(), tensor.type(), tensor.rows(), tensor.columns(), tensor.bytes());
      }
      ModelSpec spec = ModelSpecs.read(header);
      printSpec(spec, header);
      if (workers != null) {
        printPlan(spec, header, workers);
      }
    } finally {
      out.flush();
    }
    return 0;
  }

  private void printSpec(ModelSpec spec, GgufHeader header) {
    long bytes = header.tensors().values().stream().mapToLong(TensorInfo::bytes).sum();
    out.printf(
        "%nmodel: %s (%s), %d layers, hidden %d, feed-forward %d, vocabulary %d, context %d%n",
        spec.name(),
        spec.architecture(),
        spec.layers(),
        spec.hiddenSize(),
        spec.feedForwardSize(),
        spec.vocabularySize(),
        spec.contextLength());
    out.printf(
        "heads: %d query heads and %d KV heads of %d: %d head groups%n",
        spec.queryHeads(), spec.kvHeads(), spec.headSize(), spec.kvHeads());
    out.printf("weights: %d bytes%n", bytes);
  }

  private void printPlan(ModelSpec spec, GgufHeader header, int ranks) throws CheckpointException {
    PlanOptions options = new PlanOptions(ranks, List.of(), outputSplit, downSplit);
    PlanCosts costs =
        new PlanCosts(
            spec, header, new MachineSpeed(readMegabytes * 1e6, gigaOperations * 1e9), link());
    ShardPlan plan = costs.cheapest(options, ShardPlan.of(spec, options));
    out.printf(
        "%nplan for %d workers: output projection %s, down %s%n",
        ranks, plan.output(), plan.down());
    long total = 0;
    for (RankPlan rank : plan.ranks()) {
      long bytes = ShardInventory.of(plan, header, rank.rank()).bytes();
      total += bytes;
      out.printf(
          "  rank %d: query heads %s, KV heads %s, feed-forward %s, vocabulary %s: %d bytes%n",
          rank.rank(),
          rank.queryHeads(),
          rank.kvHeads(),
          rank.feedForward(),
          rank.vocabulary(),
          bytes);
    }
    out.printf("  all: %d bytes%n", total);
    printCosts(costs, options);
  }

  private LinkSpeed link() {
    LinkSpeed same = LinkSpeed.SAME_MACHINE;
    if (latencyMicros == null && megabits == null) {
      return same;
    }
    return LinkSpeed.ofNetwork(
        latencyMicros == null ? same.latencySeconds() : latencyMicros / 1e6,
        megabits == null ? same.bytesPerSecond() : megabits * 1e6 / 8);
  }

  private void printCosts(PlanCosts costs, PlanOptions options) throws CheckpointException {
    out.printf(
        "expected of workers that read %.0f MB/s and do %.0f G operations/s, on links of %.0f us and %.0f Mbit/s, %.0f us of work for each peer:%n",
        readMegabytes,
        gigaOperations,
        1e6 * link().latencySeconds(),
        8e-6 * link().bytesPerSecond(),
        1e6 * link().messageSeconds());
    for (ShardPlan plan : costs.choices(options)) {
      PlanCosts.Estimate decode = costs.step(plan, 1, DECODE_POSITIONS);
      PlanCosts.Estimate prefill = costs.step(plan, PREFILL_TOKENS, PREFILL_TOKENS / 2);
      out.printf(
          "  output %-7s down %-7s: decode %.1f tokens/s (%.0f %% in exchanges, %.1f kB sent a token), prefill %.0f tokens/s (%.0f %% in exchanges)%n",
          plan.output(),
          plan.down(),
          1 / decode.seconds(),
          100 * decode.exchangeSeconds() / decode.seconds(),
          decode.exchangeBytes() / 1000,
          PREFILL_TOKENS / prefill.seconds(),
          100 * prefill.exchangeSeconds() / prefill.seconds());
    }
  }

  private static String describe(Object value) {
    if (value instanceof Collection<?> list) {
      return "%d values".formatted(list.size());
    }
    if (value.getClass().isArray()) {
      return "%d values".formatted(Array.getLength(value));
    }
    String text = value.toString().replace("\n", "\\n");
    return text.length() <= VALUE_LENGTH
        ? text
        : text.substring(0, VALUE_LENGTH) + "... (%d characters)".formatted(text.length());
  }
}
