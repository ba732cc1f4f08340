package io.ladon.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.testcontainers.LadonCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens and log-probabilities do not depend on the number of workers, nor on the splits. */
class SameAnswersIT {

  /** Workers stay; for each pair of splits they get a new coordinator, which is much quicker. */
  @ParameterizedTest(name = "{0} workers, every split")
  @ValueSource(ints = {1, 2, 3, 5})
  void areTheSame(int workers) throws Exception {
    List<String[]> splits = splits(workers);
    try (LadonCluster cluster =
        Model.cluster("same-" + workers, workers).withCoordinatorOptions(splits.getFirst())) {
      cluster.start();
      check(cluster, splits.getFirst());
      for (String[] next : splits.subList(1, splits.size())) {
        cluster.replaceCoordinator(next);
        check(cluster, next);
      }
    }
  }

  private static void check(LadonCluster cluster, String[] options) throws Exception {
    String splits = String.join(" ", options);
    assertThat(cluster.coordinatorLogs())
        .contains(
            "output projection %s, down %s"
                .formatted(
                    options[1].toUpperCase(Locale.ROOT), options[3].toUpperCase(Locale.ROOT)));
    Chat chat = new Chat(cluster);
    assertThat(chat.askAllAtOnce()).as("eight at once, %s", splits).isEqualTo(Model.expected());
    assertThat(chat.ask(Chat.QUESTIONS.getFirst()))
        .as("alone, %s", splits)
        .isEqualTo(Model.expected().getFirst());
    assertThat(chat.stream(Chat.QUESTIONS.getFirst()))
        .as("alone, as a stream, %s", splits)
        .isEqualTo(Model.expected().getFirst());
  }

  /** Options for all pairs of splits that the model offers to so many workers. */
  private static List<String[]> splits(int workers) throws Exception {
    List<String[]> all = new ArrayList<>();
    try (GgufFile model = GgufFile.open(Model.file())) {
      ModelSpec spec = ModelSpecs.read(model.header());
      for (Split output : Split.values()) {
        for (Split down : Split.values()) {
          if (output != Split.COLUMNS || ShardPlan.offersOutputColumns(spec, workers)) {
            all.add(new String[] {"--output-split", name(output), "--down-split", name(down)});
          }
        }
      }
    }
    // Only where workers share a group of heads is one way missing.
    assertThat(all).hasSize(workers > 3 ? 6 : 9);
    return all;
  }

  private static String name(Split split) {
    return split.name().toLowerCase(Locale.ROOT);
  }
}
