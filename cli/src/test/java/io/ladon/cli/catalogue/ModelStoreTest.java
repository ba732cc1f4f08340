package io.ladon.cli.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelStoreTest {

  private static final String CONTENT = "weights";
  private static final ModelEntry.Source FIRST = new ModelEntry.Hub("some/where", "a.gguf");
  private static final ModelEntry.Source SECOND = new ModelEntry.Hub("else/where", "a.gguf");

  @TempDir Path folder;
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final Deque<String> answers = new ArrayDeque<>();
  private final List<ModelEntry.Source> asked = new ArrayList<>();
  private ModelEntry entry;
  private ModelStore store;

  @BeforeEach
  void setUp() throws Exception {
    Path sample = Files.writeString(folder.resolve("sample"), CONTENT);
    entry =
        new ModelEntry(
            "tiny", "a.gguf", "", "MIT", 7, ModelStore.sha256(sample), List.of(FIRST, SECOND));
    store =
        new ModelStore(
            new ModelCatalogue(List.of(entry)),
            folder.resolve("models"),
            (model, source, target, bar) -> {
              asked.add(source);
              String answer = answers.remove();
              if (answer.isEmpty()) {
                throw new IOException("nobody home");
              }
              Files.writeString(target, answer);
            },
            new Progress(new PrintStream(said, true, StandardCharsets.UTF_8), () -> false));
  }

  @Test
  void aPathIsTakenAsItIs() throws Exception {
    assertThat(store.resolve(folder.resolve("sample").toString())).hasContent(CONTENT);
    assertThat(asked).isEmpty();
  }

  @Test
  void aNameIsFetchedOnce() throws Exception {
    answers.add(CONTENT);
    Path file = store.resolve("TINY");
    assertThat(file).hasContent(CONTENT).hasFileName("a.gguf");
    assertThat(store.resolve("tiny")).isEqualTo(file);
    assertThat(asked).containsExactly(FIRST);
    assertThat(said.toString(StandardCharsets.UTF_8)).contains("fetching tiny");
  }

  @Test
  void theNextSourceIsTriedWhereOneFails() throws Exception {
    answers.addAll(List.of("", CONTENT));
    assertThat(store.resolve("tiny")).hasContent(CONTENT);
    assertThat(asked).containsExactly(FIRST, SECOND);
  }

  @Test
  void aWrongChecksumIsNeverKept() {
    answers.addAll(List.of("broken", "also broken"));
    assertThatThrownBy(() -> store.resolve("tiny"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("sha256 is ")
        .hasMessageContaining("expected " + entry.sha256())
        .hasMessageContaining("some/where")
        .hasMessageContaining("else/where");
    assertThat(folder.resolve("models/a.gguf")).doesNotExist();
    assertThat(folder.resolve("models/a.gguf.part")).doesNotExist();
  }

  @Test
  void aFileThatWasChangedIsFetchedAgain() throws Exception {
    answers.addAll(List.of(CONTENT, CONTENT));
    Path file = store.resolve("tiny");
    Files.writeString(file, "tampered with");
    assertThat(store.isCached(entry)).isFalse();
    assertThat(store.resolve("tiny")).hasContent(CONTENT);
    assertThat(asked).hasSize(2);
  }

  @Test
  void aFileThatWasPutThereByHandIsProvenFirst() throws Exception {
    Files.createDirectories(folder.resolve("models"));
    Files.writeString(folder.resolve("models/a.gguf"), CONTENT);
    assertThat(store.resolve("tiny")).hasContent(CONTENT);
    assertThat(asked).isEmpty();
  }

  @Test
  void anUnknownNameIsRefusedWithThoseThatThereAre() {
    assertThatThrownBy(() -> store.resolve("huge"))
        .isInstanceOf(IOException.class)
        .hasMessage("model 'huge' is neither a file nor a name of the catalogue (tiny)");
  }
}
