package io.ladon.containers;

import io.ladon.cli.catalogue.ModelStore;
import io.ladon.containers.Chat.Answer;
import io.ladon.testcontainers.LadonCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The model of these tests, and what it answers on one worker. */
final class Model {

  static final String NAME = "SmolLM2-135M-Instruct.Q4_1";

  private static @Nullable List<Answer> expected;

  private Model() {}

  /** The file; fetched if this machine has not got it yet. */
  static Path file() throws IOException, InterruptedException {
    Path file = ModelStore.current().resolve("smollm2-135m-instruct");
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
    if (!permissions.contains(PosixFilePermission.OTHERS_READ)) {
      throw new IOException(file + " cannot be read by the user of the containers");
    }
    return file;
  }

  /** The image under test: {@code -Dladon.image}, or the one that {@code deploy/image} builds. */
  static String image() {
    return System.getProperty("ladon.image", LadonCluster.DEFAULT_IMAGE);
  }

  /** A cluster that has not been started; the output of its nodes goes to a folder of its name. */
  static LadonCluster cluster(String name, int workers) throws IOException, InterruptedException {
    return LadonCluster.withWorkers(workers)
        .withModel(file())
        // Code of up to five ranks is compiled on what may be two cores that others use too.
        .withStartupTimeout(Duration.ofMinutes(4))
        .withImage(image())
        .withLogs(Path.of("target", "containers", name));
  }

  /** The answers to {@link Chat#QUESTIONS} of a cluster of one worker. */
  static synchronized List<Answer> expected() throws Exception {
    List<Answer> known = expected;
    if (known == null) {
      try (LadonCluster one = cluster("one-worker", 1)) {
        one.start();
        known = new Chat(one).askAll();
        expected = known;
      }
    }
    return known;
  }
}
