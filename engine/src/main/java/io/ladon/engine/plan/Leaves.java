package io.ladon.engine.plan;

import io.ladon.engine.model.ModelSpec;

/**
 * Where the sums of the two projections that eat what the ranks hold in pieces are cut. Ranks agree
 * to the bit as long as all of them, in every plan, use {@link #OF_MODEL}; others exist to measure
 * what that costs.
 *
 * @param headGroups head groups in one leaf of the output projection; the last leaf may have fewer
 * @param downColumns columns of down in one leaf, a multiple of {@link ShardPlan#BLOCK}; the last
 *     leaf may be narrower
 */
public record Leaves(int headGroups, int downColumns) {

  /** Those of every model: a head group, 256 columns of down. */
  public static final Leaves OF_MODEL = new Leaves(1, 256);

  public Leaves {
    if (headGroups < 1 || downColumns < 1 || downColumns % ShardPlan.BLOCK != 0) {
      throw new IllegalArgumentException(
          "leaves of %d head groups and %d columns: at least 1 group, and columns in blocks of %d"
              .formatted(headGroups, downColumns, ShardPlan.BLOCK));
    }
  }

  /** Tree of the output projection's sum; a single leaf where head groups do not fall on blocks. */
  public LeafTree output(ModelSpec spec) {
    return new LeafTree(
        ShardPlan.groupColumns(spec) % ShardPlan.BLOCK == 0
            ? ceilDiv(spec.kvHeads(), headGroups)
            : 1);
  }

  /** Columns of one leaf of the output projection. */
  public int outputColumns(ModelSpec spec) {
    return output(spec).leaves() == 1
        ? spec.headColumns()
        : headGroups * ShardPlan.groupColumns(spec);
  }

  /** Tree of down's sum. */
  public LeafTree down(ModelSpec spec) {
    return new LeafTree(ceilDiv(spec.feedForwardSize(), downColumns));
  }

  private static int ceilDiv(int whole, int part) {
    return (whole + part - 1) / part;
  }
}
