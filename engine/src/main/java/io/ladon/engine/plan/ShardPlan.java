package io.ladon.engine.plan;

import io.ladon.engine.model.ModelSpec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which rank owns which head groups, and which rows or leaves of every matrix. A pure function of
 * the model and the options: coordinator and workers compute it alike.
 *
 * @param output split of the output projection
 * @param down split of down
 * @param leaves where the sums of those two are cut
 * @param ranks what each rank owns, by rank
 */
public record ShardPlan(
    ModelSpec spec, Split output, Split down, Leaves leaves, List<RankPlan> ranks) {

  /** Vocabulary rows of one tile; sums over the vocabulary are kept by tile. */
  public static final int VOCABULARY_TILE = 256;

  /** Columns of one block of int8 activations. */
  public static final int BLOCK = 32;

  /** Rows that packed weights keep together. */
  public static final int ROW_BLOCK = 16;

  /** Steps of at least so many tokens for each rank are cut by tokens. */
  public static final int CUT_FROM = 16;

  /** From this many ranks on the output projection is not held whole by default. */
  private static final int MANY_RANKS = 5;

  public ShardPlan {
    ranks = List.copyOf(ranks);
  }

  /**
   * The plan for a model on some ranks.
   *
   * @throws IllegalArgumentException if the options do not fit the model; the message says what
   *     would
   */
  public static ShardPlan of(ModelSpec spec, PlanOptions options) {
    return of(spec, options, Leaves.OF_MODEL);
  }

  /**
   * A plan whose sums are cut in another way, for measurements: it does not give the bits of {@link
   * #of(ModelSpec, PlanOptions)}.
   *
   * @throws IllegalArgumentException if the options do not fit the model, or the leaves do not fit
   *     what the ranks own
   */
  public static ShardPlan of(ModelSpec spec, PlanOptions options, Leaves leaves) {
    check(spec, options);
    int n = options.ranks();
    List<Range> queryHeads = queryHeads(spec, options);
    Split output = options.output() != null ? options.output() : defaultOutput(spec, n);
    Split down = options.down() != null ? options.down() : Split.COLUMNS;
    if (output == Split.COLUMNS && !offersOutputColumns(spec, n)) {
      throw new IllegalArgumentException(
          "output projection: COLUMNS needs whole head groups of a multiple of %d columns on each rank; this model has %d KV heads and groups of %d columns on %d ranks: use WHOLE or ROWS"
              .formatted(BLOCK, spec.kvHeads(), groupColumns(spec), n));
    }
    LeafTree outputTree = leaves.output(spec);
    LeafTree downTree = leaves.down(spec);
    List<Range> downParts = apportion(downTree.leaves(), n, options.shares());
    List<Range> blocks = apportion(spec.feedForwardSize() / BLOCK, n, options.shares());
    List<Range> rows = apportion(spec.hiddenSize() / ROW_BLOCK, n, options.shares());
    List<Range> tiles = apportion(vocabularyTiles(spec), n, options.shares());
    List<RankPlan> ranks = new ArrayList<>();
    for (int r = 0; r < n; r++) {
      Range heads = queryHeads.get(r);
      int firstKv = heads.begin() / spec.groupSize();
      Range kv =
          new Range(
              firstKv,
              heads.isEmpty() ? firstKv : (heads.end() + spec.groupSize() - 1) / spec.groupSize());
      Range allRows = new Range(0, spec.hiddenSize());
      ranks.add(
          new RankPlan(
              r,
              heads,
              kv,
              down == Split.COLUMNS
                  ? columns(downParts.get(r), leaves.downColumns(), spec.feedForwardSize())
                  : blocks.get(r).times(BLOCK),
              output == Split.ROWS ? rows.get(r).times(ROW_BLOCK) : allRows,
              output == Split.COLUMNS ? outputLeaves(kv, spec, leaves) : outputTree.all(),
              down == Split.ROWS ? rows.get(r).times(ROW_BLOCK) : allRows,
              down == Split.COLUMNS ? downParts.get(r) : downTree.all(),
              columns(tiles.get(r), VOCABULARY_TILE, spec.vocabularySize())));
    }
    return new ShardPlan(spec, output, down, leaves, ranks);
  }

  /** Number of ranks. */
  public int size() {
    return ranks.size();
  }

  /** Tree of the output projection's sum. */
  public LeafTree outputLeaves() {
    return leaves.output(spec);
  }

  /** Columns of one leaf of the output projection. */
  public int outputLeafColumns() {
    return leaves.outputColumns(spec);
  }

  /** Tree of down's sum. */
  public LeafTree downLeaves() {
    return leaves.down(spec);
  }

  /** Columns of one leaf of down; the last may be narrower. */
  public int downLeafColumns() {
    return leaves.downColumns();
  }

  /** Tiles of the vocabulary; the last may be narrower. */
  public static int vocabularyTiles(ModelSpec spec) {
    return (spec.vocabularySize() + VOCABULARY_TILE - 1) / VOCABULARY_TILE;
  }

  /** Whether COLUMNS can be had for the output projection on some ranks. */
  public static boolean offersOutputColumns(ModelSpec spec, int ranks) {
    return ranks <= spec.kvHeads() && groupColumns(spec) % BLOCK == 0;
  }

  /** Columns {@code [begin, end)} of the output projection's input that a rank's heads make. */
  public Range headColumns(int rank) {
    return ranks.get(rank).queryHeads().times(spec.headSize());
  }

  /**
   * Whether every rank's head outputs start and end on blocks, so that they can be gathered as
   * int8.
   */
  public boolean headsOnBlocks() {
    for (RankPlan rank : ranks) {
      if (headColumns(rank.rank()).begin() % BLOCK != 0
          || headColumns(rank.rank()).end() % BLOCK != 0) {
        return false;
      }
    }
    return true;
  }

  /** A short text that is equal for equal plans. */
  public String digest() {
    return PlanDigest.of(this);
  }

  /**
   * Cuts {@code units} into consecutive ranges as even as whole numbers allow, or in proportion to
   * shares. With at least as many units as ranks and equal shares no range is empty.
   */
  static List<Range> apportion(int units, int ranks, List<Double> shares) {
    double total = 0;
    for (int r = 0; r < ranks; r++) {
      total += shares.isEmpty() ? 1 : shares.get(r);
    }
    List<Range> ranges = new ArrayList<>();
    double sum = 0;
    int begin = 0;
    for (int r = 0; r < ranks; r++) {
      sum += shares.isEmpty() ? 1 : shares.get(r);
      int end = r == ranks - 1 ? units : (int) Math.round(units * (sum / total));
      ranges.add(new Range(begin, Math.max(begin, end)));
      begin = Math.max(begin, end);
    }
    return ranges;
  }

  private static List<Range> queryHeads(ModelSpec spec, PlanOptions options) {
    if (options.ranks() > spec.kvHeads()) {
      return apportion(spec.queryHeads(), options.ranks(), options.shares());
    }
    List<Range> heads = new ArrayList<>();
    for (Range groups : apportion(spec.kvHeads(), options.ranks(), options.shares())) {
      heads.add(groups.times(spec.groupSize()));
    }
    return heads;
  }

  private static Split defaultOutput(ModelSpec spec, int ranks) {
    if (ranks < MANY_RANKS) {
      return Split.WHOLE;
    }
    return offersOutputColumns(spec, ranks) ? Split.COLUMNS : Split.ROWS;
  }

  /** Columns of the output projection's input that one head group makes. */
  static int groupColumns(ModelSpec spec) {
    return spec.groupSize() * spec.headSize();
  }

  /** The leaves that a rank's head groups make up, which must be whole ones. */
  private static Range outputLeaves(Range groups, ModelSpec spec, Leaves leaves) {
    int width = leaves.headGroups();
    if (groups.begin() % width != 0
        || (groups.end() % width != 0 && groups.end() != spec.kvHeads())) {
      throw new IllegalArgumentException(
          "a rank of head groups %s has no whole leaves of %d".formatted(groups, width));
    }
    return new Range(groups.begin() / width, (groups.end() + width - 1) / width);
  }

  private static Range columns(Range units, int width, int end) {
    return new Range(Math.min(units.begin() * width, end), Math.min(units.end() * width, end));
  }

  private static void check(ModelSpec spec, PlanOptions options) {
    if (options.ranks() < 1 || options.ranks() > spec.queryHeads()) {
      throw new IllegalArgumentException(
          "%d workers: this model has %d query heads, so 1 to %d workers can share it"
              .formatted(options.ranks(), spec.queryHeads(), spec.queryHeads()));
    }
    if (!options.shares().isEmpty() && options.shares().size() != options.ranks()) {
      throw new IllegalArgumentException(
          "%d shares for %d workers".formatted(options.shares().size(), options.ranks()));
    }
    for (double share : options.shares()) {
      if (!(share > 0) || Double.isInfinite(share)) {
        throw new IllegalArgumentException("a share must be a positive number, not " + share);
      }
    }
  }

  /** The plan of one rank. */
  public RankPlan rank(int rank) {
    return ranks.get(rank);
  }

  /** The splits as they were chosen, for options that must give this plan again. */
  public PlanOptions options(List<Double> shares) {
    return new PlanOptions(size(), shares, output, down);
  }

  /** Null-safe parse of a split's name; null or empty means that the plan chooses. */
  public static @Nullable Split splitOf(@Nullable String name) {
    return name == null || name.isEmpty() ? null : Split.valueOf(name);
  }
}
