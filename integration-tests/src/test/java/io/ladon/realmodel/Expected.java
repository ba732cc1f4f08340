package io.ladon.realmodel;

import com.fasterxml.jackson.annotation.JsonFormat;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;

/**
 * What llama.cpp says to the prompts; README.md beside the data tells how it was made.
 *
 * @param tensorsSha256 of all tensors' elements in the order of the tensors' names
 */
record Expected(String tensorsSha256, List<Case> cases) {

  /** Tokens of the longest text. */
  int longest() {
    return cases.stream().mapToInt(each -> each.tokens().length).max().orElseThrow();
  }

  /**
   * A prompt and the greedy text that follows it with all weights as F32.
   *
   * @param tokens up to 64, or to the first that ends a text
   * @param top for each token, the best candidates at its place, best first
   */
  record Case(String name, int[] promptIds, int[] tokens, List<List<Candidate>> top) {

    /** How far apart the two best are at a token's place. */
    double gap(int token) {
      return top.get(token).get(0).logProbability() - top.get(token).get(1).logProbability();
    }

    @Override
    public String toString() {
      return name;
    }
  }

  @JsonFormat(shape = JsonFormat.Shape.ARRAY)
  record Candidate(int id, double logProbability) {}

  /**
   * The same with the weights as published.
   *
   * @param cases in the order of {@link Expected#cases}
   */
  record Published(List<PublishedCase> cases) {}

  /**
   * @param forced log-probabilities of the F32 run's candidates, along the F32 run's tokens
   */
  record PublishedCase(String name, double[][] forced) {}

  static Expected f32(RealModel model) throws IOException {
    return read(model.dataName() + "-f32.json", Expected.class);
  }

  static Published published(RealModel model) throws IOException {
    return read(model.dataName() + "-published.json", Published.class);
  }

  private static <T> T read(String name, Class<T> type) throws IOException {
    JsonMapper mapper =
        JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
    try (InputStream in = Objects.requireNonNull(Expected.class.getResourceAsStream(name), name)) {
      return mapper.readValue(in, type);
    }
  }
}
