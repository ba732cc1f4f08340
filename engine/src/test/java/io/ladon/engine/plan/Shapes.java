package io.ladon.engine.plan;

import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.synth.SyntheticShapes;
import io.ladon.engine.synth.SyntheticShapes.Sizes;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;
import net.jqwik.api.domains.DomainContextBase;
import org.jspecify.annotations.Nullable;

/** Models of every shape that can be read, and all ways to ask for a plan. */
final class Shapes extends DomainContextBase {

  /** A model and options that fit it. */
  record Asked(ModelSpec spec, PlanOptions options) {

    ShardPlan plan() {
      return ShardPlan.of(spec, options);
    }
  }

  @Provide
  Arbitrary<ModelSpec> models() {
    return Combinators.combine(
            Arbitraries.integers().between(1, 24),
            Arbitraries.integers().between(1, 12),
            Arbitraries.integers().between(1, 8),
            Arbitraries.integers().between(1, 12),
            Arbitraries.integers().between(1, 70),
            Arbitraries.integers().between(1, 5_000))
        .as(
            (hidden, kvHeads, group, head, feedForward, vocabulary) -> {
              int queryHeads = kvHeads * group;
              // All heads together are a multiple of 32.
              int headSize = 16 * (queryHeads % 2 == 0 ? head : 2 * head);
              Sizes sizes =
                  new Sizes(1, 32 * hidden, 32 * feedForward, queryHeads, kvHeads, headSize);
              return SyntheticShapes.llama("any", sizes, vocabulary, 10_000, false, true);
            });
  }

  @Provide
  Arbitrary<Asked> asked() {
    return models()
        .flatMap(
            spec ->
                Arbitraries.integers()
                    .between(1, spec.queryHeads())
                    .flatMap(ranks -> options(spec, ranks))
                    .map(options -> new Asked(spec, options)));
  }

  private static Arbitrary<PlanOptions> options(ModelSpec spec, int ranks) {
    List<@Nullable Split> outputs = new ArrayList<>(List.of(Split.WHOLE, Split.ROWS));
    outputs.add(null);
    if (ShardPlan.offersOutputColumns(spec, ranks)) {
      outputs.add(Split.COLUMNS);
    }
    Arbitrary<List<Double>> shares =
        Arbitraries.oneOf(
            Arbitraries.just(List.of()),
            Arbitraries.doubles().between(0.05, 20).list().ofSize(ranks));
    return Combinators.combine(
            shares,
            Arbitraries.integers().between(0, outputs.size() - 1),
            Arbitraries.of(Split.class).injectNull(0.2))
        .as((s, output, down) -> new PlanOptions(ranks, s, outputs.get(output), down));
  }
}
