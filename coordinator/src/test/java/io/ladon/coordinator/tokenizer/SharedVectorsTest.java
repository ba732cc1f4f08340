package io.ladon.coordinator.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.ladon.engine.checkpoint.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** llama.cpp's own test vectors, where the folder beside the repository holds them. */
class SharedVectorsTest {

  private static final Path VECTORS = Path.of("..", "..", "shared", "tokenizer-vectors");

  @Test
  void vectorsAreThere() {
    assumeThat(VECTORS).as("vectors beside the repository").isDirectory();
    assertThat(inputs()).isNotEmpty();
  }

  @TestFactory
  Stream<DynamicTest> everyVocabularyGivesTheExpectedIds() {
    return inputs().stream()
        .map(input -> DynamicTest.dynamicTest(input.getFileName().toString(), () -> check(input)));
  }

  private static List<Path> inputs() {
    if (!Files.isDirectory(VECTORS)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(VECTORS)) {
      return files.filter(file -> file.toString().endsWith(".inp")).sorted().toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void check(Path input) throws IOException {
    String name = input.toString().replaceAll("\\.inp$", "");
    List<String> texts =
        Arrays.asList(Files.readString(input).split("\n__ggml_vocab_test__\n", -1));
    List<String> expected = Files.readAllLines(Path.of(name + ".out"));
    assertThat(texts).as("texts, each ended by a separator").hasSize(expected.size() + 1);
    try (GgufFile file = GgufFile.open(Path.of(name))) {
      Tokenizer tokenizer = Tokenizers.of(file.header());
      for (int i = 0; i < expected.size(); i++) {
        String ids =
            Arrays.stream(tokenizer.encode(texts.get(i), false, false))
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(" "));
        assertThat(ids).as("ids of '%s'", texts.get(i)).isEqualTo(expected.get(i).strip());
      }
    }
  }
}
