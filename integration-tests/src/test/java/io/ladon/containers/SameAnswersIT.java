package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.testcontainers.LadonCluster;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokens and log-probabilities do not depend on the number of workers, nor on the splits. */
class SameAnswersIT {

  @ParameterizedTest(name = "{0} workers, output {1}, down {2}")
  @CsvSource({
    "1, whole, columns",
    "2, rows, rows",
    "2, columns, whole",
    "3, whole, columns",
    "3, columns, rows",
    "5, rows, columns",
  })
  void areTheSame(int workers, String output, String down) throws Exception {
    String name = "same-%d-%s-%s".formatted(workers, output, down);
    try (LadonCluster cluster =
        Model.cluster(name, workers)
            .withCoordinatorOptions("--output-split", output, "--down-split", down)) {
      cluster.start();
      Chat chat = new Chat(cluster);
      assertThat(chat.askAllAtOnce()).as("eight at once").isEqualTo(Model.expected());
      assertThat(chat.ask(Chat.QUESTIONS.getFirst()))
          .as("alone")
          .isEqualTo(Model.expected().getFirst());
      assertThat(chat.stream(Chat.QUESTIONS.getFirst()))
          .as("alone, as a stream")
          .isEqualTo(Model.expected().getFirst());
    }
  }
}
