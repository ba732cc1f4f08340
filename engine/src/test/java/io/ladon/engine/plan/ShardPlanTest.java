package io.ladon.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.synth.SyntheticShapes;
import java.util.List;
import java.util.function.Function;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;

@Domain(Shapes.class)
class ShardPlanTest {

  @Property
  void everyRowHasOneOwner(@ForAll Shapes.Asked asked) {
    ShardPlan plan = asked.plan();
    ModelSpec spec = asked.spec();
    covers(plan, RankPlan::queryHeads, spec.queryHeads());
    covers(plan, RankPlan::feedForward, spec.feedForwardSize());
    covers(plan, RankPlan::vocabulary, spec.vocabularySize());
  }

  @Property
  void splitsHoldWhatTheySay(@ForAll Shapes.Asked asked) {
    ShardPlan plan = asked.plan();
    ModelSpec spec = asked.spec();
    LeafTree output = plan.outputLeaves();
    LeafTree down = plan.downLeaves();
    split(plan.output(), plan, RankPlan::outputRows, RankPlan::outputLeaves, output);
    split(plan.down(), plan, RankPlan::downRows, RankPlan::downLeaves, down);
    assertThat(plan.outputLeafColumns() * output.leaves()).isEqualTo(spec.headColumns());
    if (output.leaves() > 1) {
      assertThat(plan.outputLeafColumns() % ShardPlan.BLOCK).isZero();
    }
    for (RankPlan rank : plan.ranks()) {
      if (plan.output() == Split.COLUMNS) {
        assertThat(rank.outputLeaves().times(plan.outputLeafColumns()))
            .isEqualTo(plan.headColumns(rank.rank()));
      }
      if (plan.down() == Split.COLUMNS) {
        Range leaves = rank.downLeaves();
        assertThat(rank.feedForward().begin())
            .isEqualTo(Math.min(leaves.begin() * plan.downLeafColumns(), spec.feedForwardSize()));
        assertThat(rank.feedForward().end())
            .isEqualTo(Math.min(leaves.end() * plan.downLeafColumns(), spec.feedForwardSize()));
      }
    }
  }

  @Property
  void kvHeadsAreThoseThatTheQueriesRead(@ForAll Shapes.Asked asked) {
    ShardPlan plan = asked.plan();
    ModelSpec spec = asked.spec();
    for (RankPlan rank : plan.ranks()) {
      Range queries = rank.queryHeads();
      if (queries.isEmpty()) {
        assertThat(rank.kvHeads().isEmpty()).isTrue();
        continue;
      }
      assertThat(rank.kvHeads().begin()).isEqualTo(queries.begin() / spec.groupSize());
      assertThat(rank.kvHeads().end() - 1).isEqualTo((queries.end() - 1) / spec.groupSize());
    }
    if (plan.size() <= spec.kvHeads()) {
      covers(plan, RankPlan::kvHeads, spec.kvHeads());
    }
  }

  @Property
  void boundsLieOnBlocksAndTiles(@ForAll Shapes.Asked asked) {
    for (RankPlan rank : asked.plan().ranks()) {
      assertThat(rank.feedForward().begin() % ShardPlan.BLOCK).isZero();
      assertThat(rank.feedForward().end() % ShardPlan.BLOCK).isZero();
      assertThat(rank.outputRows().begin() % ShardPlan.ROW_BLOCK).isZero();
      assertThat(rank.downRows().begin() % ShardPlan.ROW_BLOCK).isZero();
      if (!rank.vocabulary().isEmpty()) {
        assertThat(rank.vocabulary().begin() % ShardPlan.VOCABULARY_TILE).isZero();
      }
    }
  }

  @Property
  void equalRanksAreAsEvenAsWholeNumbersAllow(@ForAll Shapes.Asked asked) {
    PlanOptions options = asked.options();
    ShardPlan plan =
        ShardPlan.of(
            asked.spec(),
            new PlanOptions(options.ranks(), List.of(), options.output(), options.down()));
    ModelSpec spec = asked.spec();
    int unit = plan.size() <= spec.kvHeads() ? spec.groupSize() : 1;
    even(plan, rank -> rank.queryHeads().size() / unit);
    even(plan, rank -> tiles(rank.vocabulary(), ShardPlan.VOCABULARY_TILE));
    even(
        plan,
        rank ->
            plan.down() == Split.COLUMNS
                ? rank.downLeaves().size()
                : rank.feedForward().size() / ShardPlan.BLOCK);
    even(plan, rank -> rank.outputRows().size() / ShardPlan.ROW_BLOCK);
    even(plan, rank -> rank.downRows().size() / ShardPlan.ROW_BLOCK);
    assertThat(plan.ranks()).noneMatch(rank -> rank.queryHeads().isEmpty());
  }

  @Property
  void bothSidesComputeTheSamePlan(@ForAll Shapes.Asked asked) {
    ShardPlan plan = asked.plan();
    assertThat(asked.plan()).isEqualTo(plan);
    ShardPlan again = ShardPlan.of(asked.spec(), plan.options(asked.options().shares()));
    assertThat(again).isEqualTo(plan);
    assertThat(again.digest()).isEqualTo(plan.digest());
  }

  @Property
  void aFasterRankOwnsNoLess(@ForAll Shapes.Asked asked) {
    ModelSpec spec = asked.spec();
    if (spec.queryHeads() < 2) {
      return;
    }
    ShardPlan plan =
        ShardPlan.of(spec, new PlanOptions(2, List.of(3.0, 1.0), Split.WHOLE, Split.COLUMNS));
    assertThat(plan.rank(0).queryHeads().size())
        .isGreaterThanOrEqualTo(plan.rank(1).queryHeads().size());
    assertThat(plan.rank(0).feedForward().size() + plan.downLeafColumns())
        .isGreaterThan(plan.rank(1).feedForward().size());
  }

  @Example
  void smolLmOnTheNumbersOfWorkersThatItIsTestedOn() {
    ModelSpec spec = SyntheticShapes.of("llama-135m");
    assertThat(heads(spec, 1)).containsExactly(new Range(0, 9));
    assertThat(heads(spec, 2)).containsExactly(new Range(0, 6), new Range(6, 9));
    assertThat(heads(spec, 3)).containsExactly(new Range(0, 3), new Range(3, 6), new Range(6, 9));
    assertThat(heads(spec, 4))
        .containsExactly(new Range(0, 2), new Range(2, 5), new Range(5, 7), new Range(7, 9));
    ShardPlan four = ShardPlan.of(spec, PlanOptions.of(4));
    assertThat(four.ranks().stream().map(RankPlan::kvHeads).toList())
        .containsExactly(new Range(0, 1), new Range(0, 2), new Range(1, 3), new Range(2, 3));
    assertThat(heads(spec, 9)).allMatch(range -> range.size() == 1);
  }

  @Example
  void refusalsSayWhatWouldDo() {
    ModelSpec spec = SyntheticShapes.of("llama-135m");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardPlan.of(spec, PlanOptions.of(10)))
        .withMessageContaining("10 workers")
        .withMessageContaining("1 to 9");
    assertThatIllegalArgumentException().isThrownBy(() -> ShardPlan.of(spec, PlanOptions.of(0)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardPlan.of(spec, new PlanOptions(4, List.of(), Split.COLUMNS, null)))
        .withMessageContaining("COLUMNS")
        .withMessageContaining("use WHOLE or ROWS");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardPlan.of(spec, new PlanOptions(2, List.of(1.0), null, null)))
        .withMessageContaining("1 shares for 2 workers");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardPlan.of(spec, new PlanOptions(2, List.of(1.0, -1.0), null, null)))
        .withMessageContaining("-1.0");
  }

  @Example
  void leavesThatRanksCannotOwnWholeAreRefused() {
    ModelSpec spec = SyntheticShapes.of("llama-1b"); // 8 head groups, 8192 columns of down
    PlanOptions four = new PlanOptions(4, List.of(), Split.COLUMNS, Split.COLUMNS);
    ShardPlan plan = ShardPlan.of(spec, four, new Leaves(2, 2048));
    assertThat(plan.ranks()).allMatch(rank -> rank.outputLeaves().size() == 1);
    assertThat(plan.ranks()).allMatch(rank -> rank.downLeaves().size() == 1);
    assertThat(plan.ranks().stream().map(RankPlan::feedForward).toList())
        .isEqualTo(ShardPlan.of(spec, four).ranks().stream().map(RankPlan::feedForward).toList());
    assertThat(plan.digest()).isNotEqualTo(ShardPlan.of(spec, four).digest());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ShardPlan.of(spec, four, new Leaves(4, 256)))
        .withMessageContaining("no whole leaves of 4");
    assertThatIllegalArgumentException().isThrownBy(() -> new Leaves(1, 250));
    assertThatIllegalArgumentException().isThrownBy(() -> new Leaves(0, 256));
  }

  private static List<Range> heads(ModelSpec spec, int ranks) {
    return ShardPlan.of(spec, PlanOptions.of(ranks)).ranks().stream()
        .map(RankPlan::queryHeads)
        .toList();
  }

  private static void split(
      Split split,
      ShardPlan plan,
      Function<RankPlan, Range> rows,
      Function<RankPlan, Range> leaves,
      LeafTree tree) {
    if (split == Split.ROWS) {
      covers(plan, rows, plan.spec().hiddenSize());
    } else {
      assertThat(plan.ranks())
          .allMatch(rank -> rows.apply(rank).equals(new Range(0, plan.spec().hiddenSize())));
    }
    if (split == Split.COLUMNS) {
      covers(plan, leaves, tree.leaves());
    } else {
      assertThat(plan.ranks()).allMatch(rank -> leaves.apply(rank).equals(tree.all()));
    }
  }

  /** Consecutive ranges from 0 to the size: whole and disjoint. */
  private static void covers(ShardPlan plan, Function<RankPlan, Range> range, int size) {
    int next = 0;
    for (RankPlan rank : plan.ranks()) {
      assertThat(range.apply(rank).begin()).isEqualTo(next);
      next = range.apply(rank).end();
    }
    assertThat(next).isEqualTo(size);
  }

  private static void even(ShardPlan plan, Function<RankPlan, Integer> units) {
    List<Integer> sizes = plan.ranks().stream().map(units).sorted().toList();
    assertThat(sizes.getLast() - sizes.getFirst()).as("%s", sizes).isLessThanOrEqualTo(1);
  }

  private static int tiles(Range range, int width) {
    return (range.size() + width - 1) / width;
  }
}
