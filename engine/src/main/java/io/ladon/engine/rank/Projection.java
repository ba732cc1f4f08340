package io.ladon.engine.rank;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.kernel.QuantizedActivations;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A projection whose input the ranks make in pieces: the output projection, or down. Whatever the
 * split, {@link #result} ends with the same bits for the tokens that this rank finishes.
 */
final class Projection {

  private final Split split;
  private final int rank;
  private final int ranks;
  private final Range ownColumns;
  private final Range ownRows;
  private final boolean onBlocks;
  private final ExchangePoint inputPoint;
  private final ExchangePoint resultPoint;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final Rows input;
  private final Rows resultRows;
  private final FloatTensor result;
  private final FloatTensor[] resultAsOut;
  private final @Nullable ColumnGather inputGather;
  private final @Nullable ColumnGather resultGather;
  private final @Nullable SumExchange sum;
  private final Multiplication multiplication;
  private final IntRangeTask quantizeTask = this::quantize;

  // What the running tasks work on.
  private int firstToken;
  private int columnBegin;
  private int columnEnd;

  // Views of a cut step's own tokens.
  private int cutTokens = -1;
  private Rows inputMine;
  private FloatTensor[] resultMine;

  private Projection(Builder b, Part part) {
    ShardPlan plan = b.plan;
    this.split = part.split;
    this.rank = b.link.rank();
    this.ranks = plan.size();
    this.ownColumns = part.columns.get(rank);
    this.ownRows = part.rows.get(rank);
    this.inputPoint = part.inputPoint;
    this.resultPoint = part.resultPoint;
    this.kernels = b.kernels;
    this.team = b.team;
    this.onBlocks = part.columns.stream().allMatch(Projection::isOnBlocks);
    int hidden = plan.spec().hiddenSize();
    boolean summed = split == Split.COLUMNS && ranks > 1;
    int width = summed ? ownColumns.size() : part.width;
    long begin = b.arena.here();
    QuantizedActivations quants = QuantizedActivations.allocate(b.arena, b.maxTokens, width);
    long results = b.arena.here();
    if (summed) {
      b.arena.layOver(begin);
      int maxMine = b.shape.maxMine(b.maxTokens);
      this.sum =
          new SumExchange(
              b.arena,
              b.link,
              kernels,
              team,
              part.tree,
              part.leaves,
              hidden,
              b.maxTokens,
              maxMine,
              results);
      this.inputGather = null;
      this.result = sum.result();
      results = sum.ownPlace();
    } else {
      this.sum = null;
      this.result = FloatTensor.allocate(b.arena, b.maxTokens, hidden);
      this.inputGather =
          ranks > 1 ? new ColumnGather(b.arena, b.link, part.columns, b.maxTokens) : null;
    }
    this.resultRows = new Rows(result, quants);
    this.resultAsOut = new FloatTensor[] {result};
    this.resultMine = resultAsOut;
    this.multiplication = new Multiplication(kernels);
    this.resultGather =
        ranks > 1 && split == Split.ROWS
            ? new ColumnGather(b.arena, b.link, part.rows, b.maxTokens)
            : null;
    b.arena.layOver(results);
    this.input = new Rows(FloatTensor.allocate(b.floats, b.maxTokens, width), quants);
    this.inputMine = input;
  }

  /**
   * Where this rank's part of the input goes, columns from {@link #inputColumn}: int8 where the
   * projection {@link #takesQuants}, else float32.
   */
  Rows input() {
    return input;
  }

  /** Whether int8 of this rank's part of the input is enough. */
  boolean takesQuants(InputKind kind) {
    return kind.onlyQuants() && (ranks == 1 || (sum != null ? isOnBlocks(ownColumns) : onBlocks));
  }

  /** First column of {@link #input} that is this rank's. */
  int inputColumn() {
    return sum != null ? 0 : ownColumns.begin();
  }

  /** Columns of {@link #input} that are this rank's. */
  int inputColumns() {
    return ownColumns.size();
  }

  /** Whether the matrix is multiplied before this rank waits for its peers. */
  boolean multipliesFirst() {
    return sum != null || ranks == 1;
  }

  /** (tokens, hidden); the rows of the tokens that this rank finishes are valid. */
  FloatTensor result() {
    return result;
  }

  /**
   * Multiplies all ranks' inputs.
   *
   * @param w this rank's part; null if it has none
   */
  void run(int layer, @Nullable PackedMatrix w, InputKind kind, StepShape shape) {
    boolean quantized = kind.needsQuants();
    boolean isQuantized = takesQuants(kind);
    if (sum != null) {
      if (quantized && !isQuantized) {
        quantize(0, shape.tokens(), 0, ownColumns.size());
      }
      multiply(w, input, shape.tokens(), sum.own(), 0);
      sum.run(layer, resultPoint, shape);
      return;
    }
    boolean mineOnly = split == Split.WHOLE && shape.isCut();
    gatherInput(layer, quantized, isQuantized, mineOnly, shape);
    if (mineOnly) {
      cut(shape);
      multiply(w, inputMine, shape.mineEnd() - shape.mineBegin(), resultMine, 0);
    } else {
      multiply(w, input, shape.tokens(), resultAsOut, ownRows.begin());
    }
    if (resultGather != null) {
      resultGather.gather(layer, resultPoint, resultRows, shape, false, shape.isCut());
    }
  }

  /** Brings in the others' columns, and quantises what did not travel so. */
  private void gatherInput(
      int layer, boolean quantized, boolean isQuantized, boolean mineOnly, StepShape shape) {
    int begin = mineOnly ? shape.mineBegin() : 0;
    int end = mineOnly ? shape.mineEnd() : shape.tokens();
    if (inputGather == null) {
      if (quantized && !isQuantized) {
        quantize(begin, end, 0, input.columns());
      }
      return;
    }
    boolean travelsQuantized = quantized && onBlocks;
    if (travelsQuantized && !isQuantized) {
      quantize(0, shape.tokens(), ownColumns.begin(), ownColumns.end());
    }
    inputGather.gather(layer, inputPoint, input, shape, travelsQuantized, mineOnly);
    if (travelsQuantized) {
      kernels.sumBlocks(input.quants(), begin, end);
    } else if (quantized) {
      quantize(begin, end, 0, input.columns());
    }
  }

  private void multiply(
      @Nullable PackedMatrix w, Rows x, int tokens, FloatTensor[] out, int outColumn) {
    if (w != null && tokens > 0) {
      multiplication.run(team, w, x, tokens, out, outColumn);
    }
  }

  private void quantize(int tokenBegin, int tokenEnd, int columnFrom, int columnTo) {
    firstToken = tokenBegin;
    columnBegin = columnFrom;
    columnEnd = columnTo;
    team.run(tokenEnd - tokenBegin, quantizeTask);
  }

  private void quantize(int thread, int begin, int end) {
    kernels.quantize(
        input.floats(),
        firstToken + begin,
        firstToken + end,
        columnBegin,
        columnEnd,
        input.quants());
  }

  private void cut(StepShape shape) {
    if (cutTokens != shape.tokens()) {
      cutTokens = shape.tokens();
      inputMine = input.slice(shape.mineBegin(), shape.mineEnd());
      resultMine = new FloatTensor[] {Rows.slice(result, shape.mineBegin(), shape.mineEnd())};
    }
  }

  private static boolean isOnBlocks(Range columns) {
    return columns.begin() % ShardPlan.BLOCK == 0 && columns.end() % ShardPlan.BLOCK == 0;
  }

  /** What the output projection and down differ in, by rank. */
  private record Part(
      Split split,
      int width,
      List<Range> columns,
      List<Range> rows,
      LeafTree tree,
      List<Range> leaves,
      ExchangePoint inputPoint,
      ExchangePoint resultPoint) {}

  /**
   * What projections are made of.
   *
   * @param arena what is allocated there next, after a projection, lies over its results: it must
   *     not be needed any more when the projection runs
   * @param floats for inputs that are float32; where they are int8 it stays untouched
   */
  record Builder(
      StepMemory arena,
      StepMemory floats,
      ShardPlan plan,
      Link link,
      Kernels kernels,
      ThreadTeam team,
      StepShape shape,
      int maxTokens) {

    /** Concatenated heads to hidden. */
    Projection output() {
      List<Range> columns =
          plan.ranks().stream().map(r -> r.queryHeads().times(plan.spec().headSize())).toList();
      return new Projection(
          this,
          new Part(
              plan.output(),
              plan.spec().headColumns(),
              columns,
              plan.ranks().stream().map(RankPlan::outputRows).toList(),
              plan.outputLeaves(),
              plan.ranks().stream().map(RankPlan::outputLeaves).toList(),
              ExchangePoint.HEADS,
              ExchangePoint.OUTPUT));
    }

    /** Gated activations to hidden. */
    Projection down() {
      return new Projection(
          this,
          new Part(
              plan.down(),
              plan.spec().feedForwardSize(),
              plan.ranks().stream().map(RankPlan::feedForward).toList(),
              plan.ranks().stream().map(RankPlan::downRows).toList(),
              plan.downLeaves(),
              plan.ranks().stream().map(RankPlan::downLeaves).toList(),
              ExchangePoint.GATED,
              ExchangePoint.DOWN));
    }
  }
}
