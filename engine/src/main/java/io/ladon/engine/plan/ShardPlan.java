package io.ladon.engine.plan;

import io.ladon.engine.model.ModelSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Which rank owns which head groups, and which rows or leaves of every matrix. A pure function of
 * the model and the options: coordinator and workers compute it alike.
 *
 * @param output split of the output projection
 * @param down split of down
 * @param ranks what each rank owns, by rank
 */
public record ShardPlan(ModelSpec spec, Split output, Split down, List<RankPlan> ranks) {

  /** Vocabulary rows of one tile; sums over the vocabulary are kept by tile. */
  public static final int VOCABULARY_TILE = 256;

  /** Columns of down in one leaf; the last leaf may be narrower. */
  public static final int DOWN_LEAF = 256;

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
    List<Range> leaves = apportion(downLeaves(spec).leaves(), n, options.shares());
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
                  ? columns(leaves.get(r), DOWN_LEAF, spec.feedForwardSize())
                  : blocks.get(r).times(BLOCK),
              output == Split.ROWS ? rows.get(r).times(ROW_BLOCK) : allRows,
              output == Split.COLUMNS ? kv : outputLeaves(spec).all(),
              down == Split.ROWS ? rows.get(r).times(ROW_BLOCK) : allRows,
              down == Split.COLUMNS ? leaves.get(r) : downLeaves(spec).all(),
              columns(tiles.get(r), VOCABULARY_TILE, spec.vocabularySize())));
    }
    return new ShardPlan(spec, output, down, ranks);
  }

  /** Number of ranks. */
  public int size() {
    return ranks.size();
  }

  /**
   * Tree of the output projection's sum: a leaf a head group, or one leaf where groups do not fall
   * on blocks.
   */
  public static LeafTree outputLeaves(ModelSpec spec) {
    return new LeafTree(groupColumns(spec) % BLOCK == 0 ? spec.kvHeads() : 1);
  }

  /** Columns of one leaf of the output projection. */
  public static int outputLeafColumns(ModelSpec spec) {
    return spec.headColumns() / outputLeaves(spec).leaves();
  }

  /** Tree of down's sum. */
  public static LeafTree downLeaves(ModelSpec spec) {
    return new LeafTree((spec.feedForwardSize() + DOWN_LEAF - 1) / DOWN_LEAF);
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

  /** A short text that is equal for equal plans: CRC-32C of all ranges and splits. */
  public String digest() {
    CRC32C crc = new CRC32C();
    crc.update((spec + " " + output + " " + down + " " + ranks).getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(crc.getValue());
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

  private static int groupColumns(ModelSpec spec) {
    return spec.groupSize() * spec.headSize();
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
