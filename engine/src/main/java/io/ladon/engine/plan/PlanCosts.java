package io.ladon.engine.plan;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.TensorNames;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What steps of a plan are expected to take: for each rank the larger of the time to read its
 * weights and of that to multiply with them, and for each exchange the latency, the work for each
 * peer, and the time that its bytes take on the busiest link (the roofline model of Williams,
 * Waterman and Patterson, 2009, with a linear model of communication). The slowest rank is what a
 * step takes.
 */
public final class PlanCosts {

  /** A request that stands for all when splits are compared: prompt tokens, answer tokens. */
  private static final int PROMPT = 256;

  private static final int ANSWER = 128;

  /** Tokens of one step of a prompt. */
  private static final int CHUNK = 256;

  /** Part of the standard plan's time below which another is clearly better: on measured links. */
  private static final double CLEARLY = 0.9;

  /** The same on one machine, whose links are not measured and so bring no noise. */
  private static final double CLEARLY_ON_ONE_MACHINE = 0.98;

  /** Bytes of a column that travels as int8, with its share of the block's scale. */
  private static final double INT8 = 1 + 4.0 / ShardPlan.BLOCK;

  private final ModelSpec spec;
  private final GgufHeader header;
  private final MachineSpeed machine;
  private final LinkSpeed link;

  public PlanCosts(ModelSpec spec, GgufHeader header, MachineSpeed machine, LinkSpeed link) {
    this.spec = spec;
    this.header = header;
    this.machine = machine;
    this.link = link;
  }

  /**
   * What a step is expected to cost.
   *
   * @param computeSeconds of the slowest rank
   * @param exchangeSeconds of all exchanges
   * @param exchangeBytes that the busiest rank sends
   */
  public record Estimate(double computeSeconds, double exchangeSeconds, double exchangeBytes) {

    public double seconds() {
      return computeSeconds + exchangeSeconds;
    }

    private Estimate plus(double times, Estimate other) {
      return new Estimate(
          computeSeconds + times * other.computeSeconds,
          exchangeSeconds + times * other.exchangeSeconds,
          exchangeBytes + times * other.exchangeBytes);
    }
  }

  /**
   * The plan with the splits that cost a typical request least.
   *
   * @param options those splits that are given are kept
   * @param standard kept unless another plan is clearly better, so that noise changes nothing
   * @throws CheckpointException if the checkpoint lacks a tensor of the model
   */
  public ShardPlan cheapest(PlanOptions options, ShardPlan standard) throws CheckpointException {
    ShardPlan best = standard;
    double clearly = link.isSameMachine() ? CLEARLY_ON_ONE_MACHINE : CLEARLY;
    double least = clearly * request(standard).seconds();
    for (ShardPlan plan : choices(options)) {
      double seconds = request(plan).seconds();
      if (seconds < least) {
        least = seconds;
        best = plan;
      }
    }
    return best;
  }

  /** The plans that options leave open. */
  public List<ShardPlan> choices(PlanOptions options) {
    List<ShardPlan> plans = new ArrayList<>();
    for (Split output : choices(options.output())) {
      if (output == Split.COLUMNS && !ShardPlan.offersOutputColumns(spec, options.ranks())) {
        continue;
      }
      for (Split down : choices(options.down())) {
        plans.add(
            ShardPlan.of(spec, new PlanOptions(options.ranks(), options.shares(), output, down)));
      }
    }
    return plans;
  }

  private static List<Split> choices(@Nullable Split given) {
    return given != null ? List.of(given) : List.of(Split.values());
  }

  private Estimate request(ShardPlan plan) throws CheckpointException {
    return new Estimate(0, 0, 0)
        .plus((double) PROMPT / CHUNK, step(plan, CHUNK, PROMPT / 2))
        .plus(ANSWER, step(plan, 1, PROMPT + ANSWER / 2));
  }

  /**
   * One step.
   *
   * @param tokens of one sequence
   * @param positions that each of them attends to, on average
   * @throws CheckpointException if the checkpoint lacks a tensor of the model
   */
  public Estimate step(ShardPlan plan, int tokens, int positions) throws CheckpointException {
    double compute = 0;
    for (RankPlan rank : plan.ranks()) {
      compute = Math.max(compute, compute(plan, rank, tokens, positions));
    }
    double seconds = 0;
    double bytes = 0;
    for (Traffic exchange : exchanges(plan, tokens)) {
      seconds +=
          spec.layers()
              * (link.latencySeconds()
                  + (plan.size() - 1) * link.messageSeconds()
                  + exchange.busiest() / link.bytesPerSecond());
      bytes += spec.layers() * exchange.sent();
    }
    return new Estimate(compute, seconds, bytes);
  }

  private double compute(ShardPlan plan, RankPlan rank, int tokens, int positions)
      throws CheckpointException {
    boolean cut = isCut(plan, tokens);
    double mine = cut ? (double) tokens / plan.size() : tokens;
    int queries = rank.queryHeads().size() * spec.headSize();
    int keys = rank.kvHeads().size() * spec.headSize();
    double seconds = 0;
    for (int i = 0; i < spec.layers(); i++) {
      seconds += product(TensorNames.query(i), queries, spec.hiddenSize(), tokens);
      seconds += product(TensorNames.key(i), keys, spec.hiddenSize(), tokens);
      seconds += product(TensorNames.value(i), keys, spec.hiddenSize(), tokens);
      seconds +=
          product(
              TensorNames.attentionOutput(i),
              rank.outputRows().size(),
              Math.min(spec.headColumns(), rank.outputLeaves().size() * plan.outputLeafColumns()),
              plan.output() == Split.WHOLE ? mine : tokens);
      seconds += product(TensorNames.gate(i), rank.feedForward().size(), spec.hiddenSize(), tokens);
      seconds += product(TensorNames.up(i), rank.feedForward().size(), spec.hiddenSize(), tokens);
      seconds +=
          product(
              TensorNames.down(i),
              rank.downRows().size(),
              Math.min(spec.feedForwardSize(), rank.downLeaves().size() * plan.downLeafColumns()),
              plan.down() == Split.WHOLE ? mine : tokens);
      double cacheBytes = 2.0 * Short.BYTES * keys * positions;
      seconds +=
          Math.max(
              cacheBytes / machine.readBytesPerSecond(),
              4.0 * queries * positions * tokens / machine.operationsPerSecond());
    }
    String head = spec.tiedEmbeddings() ? TensorNames.TOKEN_EMBEDDING : TensorNames.OUTPUT;
    return seconds + product(head, rank.vocabulary().size(), spec.hiddenSize(), 1);
  }

  private double product(String tensor, double rows, double columns, double tokens)
      throws CheckpointException {
    TensorInfo info = header.tensor(tensor);
    double bytesOfElement = (double) info.type().bytesFor(info.columns()) / info.columns();
    return Math.max(
        rows * columns * bytesOfElement / machine.readBytesPerSecond(),
        2 * rows * columns * tokens / machine.operationsPerSecond());
  }

  private static boolean isCut(ShardPlan plan, int tokens) {
    return plan.size() > 1 && tokens >= ShardPlan.CUT_FROM * plan.size();
  }

  /**
   * One exchange of a layer.
   *
   * @param sent bytes that the busiest rank sends to all others
   * @param received bytes that the busiest rank gets from all others
   */
  private record Traffic(double sent, double received) {
    double busiest() {
      return Math.max(sent, received);
    }
  }

  private List<Traffic> exchanges(ShardPlan plan, int tokens) throws CheckpointException {
    List<Traffic> exchanges = new ArrayList<>();
    if (plan.size() == 1) {
      return exchanges;
    }
    boolean cut = isCut(plan, tokens);
    List<Double> heads = new ArrayList<>();
    List<Double> gated = new ArrayList<>();
    List<Double> outputSums = new ArrayList<>();
    List<Double> downSums = new ArrayList<>();
    List<Double> outputRows = new ArrayList<>();
    List<Double> downRows = new ArrayList<>();
    for (RankPlan rank : plan.ranks()) {
      double float32 = Float.BYTES;
      double sum = float32 * spec.hiddenSize();
      heads.add(
          rank.queryHeads().size()
              * spec.headSize()
              * columnBytes(TensorNames.attentionOutput(0), plan.headsOnBlocks()));
      gated.add(rank.feedForward().size() * columnBytes(TensorNames.down(0), true));
      outputSums.add(sum * plan.outputLeaves().roots(rank.outputLeaves()).size());
      downSums.add(sum * plan.downLeaves().roots(rank.downLeaves()).size());
      outputRows.add(float32 * rank.outputRows().size());
      downRows.add(float32 * rank.downRows().size());
    }
    projection(plan.output(), heads, outputSums, outputRows, tokens, cut, exchanges);
    projection(plan.down(), gated, downSums, downRows, tokens, cut, exchanges);
    return exchanges;
  }

  /** Bytes of a column of a projection's input, as it travels. */
  private double columnBytes(String tensor, boolean onBlocks) throws CheckpointException {
    return header.tensor(tensor).type().isFloat() || !onBlocks ? Float.BYTES : INT8;
  }

  /**
   * The exchanges of one projection.
   *
   * @param inputs bytes of each rank's part of the input of one token
   * @param sums bytes of each rank's partial sums of one token
   * @param rows bytes of each rank's rows of the result of one token
   */
  private void projection(
      Split split,
      List<Double> inputs,
      List<Double> sums,
      List<Double> rows,
      int tokens,
      boolean cut,
      List<Traffic> exchanges) {
    switch (split) {
      case WHOLE -> exchanges.add(cut ? scatter(inputs, tokens) : gather(inputs, tokens));
      case ROWS -> {
        exchanges.add(gather(inputs, tokens));
        exchanges.add(cut ? scatter(rows, tokens) : gather(rows, tokens));
      }
      case COLUMNS -> exchanges.add(cut ? scatter(sums, tokens) : gather(sums, tokens));
    }
    if (cut) { // each rank has finished its tokens; the others need them
      double share = (double) tokens / inputs.size();
      List<Double> finished = new ArrayList<>();
      for (int r = 0; r < inputs.size(); r++) {
        finished.add(INT8 * spec.hiddenSize() * share);
      }
      exchanges.add(gather(finished, 1));
    }
  }

  /** Each rank's part of every token to all others. */
  private static Traffic gather(List<Double> parts, double tokens) {
    double others = sum(parts) - Collections.min(parts);
    return new Traffic(Collections.max(parts) * tokens * (parts.size() - 1), others * tokens);
  }

  /** Each rank's part of every token to the one that finishes the token. */
  private static Traffic scatter(List<Double> parts, double tokens) {
    double share = tokens / parts.size();
    double others = sum(parts) - Collections.min(parts);
    return new Traffic(Collections.max(parts) * share * (parts.size() - 1), others * share);
  }

  private static double sum(List<Double> parts) {
    double sum = 0;
    for (double part : parts) {
      sum += part;
    }
    return sum;
  }
}
