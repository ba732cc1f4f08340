package io.ladon.realmodel;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.rank.RankCluster;
import io.ladon.realmodel.Expected.Candidate;
import io.ladon.realmodel.Expected.Case;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * With all weights as F32, so that nothing is rounded to int8, the real models say what llama.cpp
 * says.
 */
@Timeout(600)
final class F32ValuesTest {

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource
  void saysWhatLlamaCppSays(RealModel model) throws Exception {
    Expected expected = Expected.f32(model);
    List<int[]> prompts = expected.cases().stream().map(Case::promptIds).toList();
    List<List<Integer>> tokens = new ArrayList<>();
    prompts.forEach(prompt -> tokens.add(new ArrayList<>()));
    DoubleSummaryStatistics differences = new DoubleSummaryStatistics();
    try (GgufFile file = rewritten(model, expected);
        RankCluster cluster = Texts.cluster(file, prompts, expected.longest())) {
      Texts.run(
          cluster,
          prompts,
          expected.longest(),
          (text, place, logits) -> {
            Case wanted = expected.cases().get(text);
            double logSum = Logits.logSumExp(logits);
            for (Candidate candidate : wanted.top().get(place)) {
              double logProbability = logits[candidate.id()] - logSum;
              differences.accept(Math.abs(logProbability - candidate.logProbability()));
            }
            int token = Logits.best(logits);
            tokens.get(text).add(token);
            return place + 1 < wanted.tokens().length ? token : Texts.END;
          });
    }
    System.out.println(model + " as F32, log-probabilities against llama.cpp: " + differences);
    for (int i = 0; i < prompts.size(); i++) {
      Case wanted = expected.cases().get(i);
      assertThat(tokens.get(i)).as(wanted.name()).containsExactly(box(wanted.tokens()));
    }
    assertThat(differences.getAverage()).as("%s", differences).isLessThanOrEqualTo(0.0005);
    assertThat(differences.getMax()).as("%s", differences).isLessThanOrEqualTo(0.005);
  }

  /** The published file with every tensor as F32; the weights are those that llama.cpp had. */
  private GgufFile rewritten(RealModel model, Expected expected) throws Exception {
    Path path = folder.resolve("f32.gguf");
    try (GgufFile published = model.open()) {
      assertThat(RealModel.decodedSha256(published)).isEqualTo(expected.tensorsSha256());
      RealModel.writeF32(published, path);
    }
    GgufFile file = GgufFile.open(path);
    assertThat(RealModel.decodedSha256(file)).isEqualTo(expected.tensorsSha256());
    return file;
  }

  private static Integer[] box(int[] tokens) {
    return Arrays.stream(tokens).boxed().toArray(Integer[]::new);
  }
}
