package io.ladon.engine.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.testing.TinyModels;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every family and every tensor type against an independent implementation: the file's head says
 * how the expected values were made.
 */
class LlamaCppVectorsTest {

  /** llama.cpp and this engine add in different orders; logits here spread over 4. */
  private static final double TOLERANCE = 2e-4;

  @TempDir private static Path folder;

  /**
   * What llama.cpp answers.
   *
   * @param positions for each token: the best candidates, best first
   */
  record Vector(String model, String type, String sha256, List<List<Candidate>> positions) {
    @Override
    public String toString() {
      return model + " " + type;
    }
  }

  record Candidate(int id, double logProbability) {}

  @ParameterizedTest
  @MethodSource("vectors")
  void saysWhatLlamaCppSays(Vector vector) throws Exception {
    Path path = new TinyModels(folder).model(vector.model(), vector.type());
    assertThat(sha256(path)).as("the model that llama.cpp read").isEqualTo(vector.sha256());
    try (GgufFile file = GgufFile.open(path)) {
      ReferenceModel model =
          new ReferenceModel(
              ModelSpecs.read(file.header()), file.header(), file, ReferenceModel.Rounding.NONE);
      List<Integer> prompt = prompt();
      prompt.subList(0, prompt.size() - 1).forEach(model::accept);
      int token = prompt.getLast();
      for (List<Candidate> candidates : vector.positions()) {
        float[] logits = model.logits(token);
        double logSum = logSumExp(logits);
        for (Candidate candidate : candidates) {
          assertThat(logits[candidate.id()] - logSum)
              .as("log-probability of token %d", candidate.id())
              .isCloseTo(candidate.logProbability(), within(TOLERANCE));
        }
        token = candidates.getFirst().id();
        assertThat(best(logits)).isEqualTo(token);
      }
    }
  }

  static List<Vector> vectors() throws IOException {
    List<Vector> vectors = new ArrayList<>();
    try (InputStream in =
        Objects.requireNonNull(
            LlamaCppVectorsTest.class.getResourceAsStream("/llama-cpp/tiny.txt"))) {
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("tiny-")) {
          String[] words = line.split(" ", -1);
          vectors.add(new Vector(words[0], words[1], words[2], new ArrayList<>()));
        } else if (!line.startsWith("#")) {
          vectors.getLast().positions().add(candidates(line));
        }
      }
    }
    return vectors;
  }

  private static List<Candidate> candidates(String line) {
    List<Candidate> candidates = new ArrayList<>();
    for (String word : line.split(" ", -1)) {
      int colon = word.indexOf(':');
      candidates.add(
          new Candidate(
              Integer.parseInt(word.substring(0, colon)),
              Double.parseDouble(word.substring(colon + 1))));
    }
    return candidates;
  }

  private static List<Integer> prompt() {
    List<Integer> prompt = new ArrayList<>(List.of(260, 279, 114, 265, 269, 275, 111, 103));
    for (int i = 0; i < 40; i++) {
      prompt.add((37 * i + 11) % 700);
    }
    return prompt;
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    return best;
  }

  private static double logSumExp(float[] logits) {
    double max = logits[best(logits)];
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    return max + Math.log(sum);
  }

  private static String sha256(Path path) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(path));
    return HexFormat.of().formatHex(digest);
  }
}
