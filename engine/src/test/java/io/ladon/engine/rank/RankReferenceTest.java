package io.ladon.engine.rank;

import static io.ladon.engine.rank.RankFixtures.assertLogits;
import static io.ladon.engine.rank.RankFixtures.randomTokens;
import static io.ladon.engine.rank.RankFixtures.reference;

import io.ladon.engine.attention.KvType;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.rank.RankCluster.Setup;
import io.ladon.engine.reference.ReferenceModel.Rounding;
import io.ladon.engine.testing.TinyModels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One rank gives the reference model's logits, bit for bit. */
class RankReferenceTest {

  @TempDir private static Path folder;

  /** Every family with every kind of weights that matters to it, one family with all types. */
  static Stream<Arguments> models() {
    List<Arguments> models = new ArrayList<>();
    for (String name : TinyModels.names()) {
      for (String type : List.of("f32", "q4_0", "q4_k_m")) {
        models.add(Arguments.of(name, type));
      }
    }
    for (String type : TinyModels.types()) {
      models.add(Arguments.of("tiny-llama", type));
    }
    return models.stream().distinct();
  }

  @ParameterizedTest
  @MethodSource("models")
  void oneRankEqualsTheReference(String name, String type) throws Exception {
    Path path = new TinyModels(folder).model(name, type);
    try (GgufFile file = GgufFile.open(path)) {
      ModelSpec spec = ModelSpecs.read(file.header());
      boolean everyType = name.equals("tiny-llama");
      int[] tokens = randomTokens(everyType ? 20 : 70, spec.vocabularySize(), 3);
      KvType kv =
          switch (type) {
            case "q4_0" -> KvType.F16;
            case "q4_k_m" -> KvType.Q8;
            default -> KvType.F32;
          };
      float[][] expected = reference(file, spec, tokens, new Rounding(true, kv));
      ShardPlan plan = ShardPlan.of(spec, PlanOptions.of(1));
      Setup setup = Setup.of(KernelProvider.named("scalar"));
      try (RankCluster cluster = new RankCluster(plan, file, setup.withKv(kv))) {
        assertLogits(cluster, tokens, 25, expected);
      }
      try (RankCluster cluster =
          new RankCluster(plan, file, Setup.of(KernelProvider.best()).withKv(kv))) {
        assertLogits(cluster, tokens, 37, expected);
      }
    }
  }
}
