package io.ladon.coordinator.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.ladon.engine.checkpoint.CheckpointException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {

  private static final Vectors VECTORS = Vectors.INSTANCE;

  @TestFactory
  Stream<DynamicTest> everyPreTokenizerGivesTheIdsOfLlamaCpp() {
    Vectors.BytePairs expected = VECTORS.bytePairs();
    return expected.names().entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(),
                    () ->
                        check(
                            Vectors.withBytePairs(entry.getKey()),
                            false,
                            expected.ids().get(entry.getValue()))));
  }

  @Test
  void sentencePieceGivesTheIdsOfLlamaCpp() {
    Vectors.SentencePiece expected = VECTORS.sentencePiece();
    check(Vectors.withSentencePiece(), false, expected.ids());
    check(Vectors.withSentencePiece(), true, expected.idsWithBegin());
    Tokenizer withoutPrefix = Vectors.tokenizer(expected.metadata().put("add_space_prefix", false));
    check(withoutPrefix, false, expected.idsWithoutPrefix());
  }

  private static void check(Tokenizer tokenizer, boolean addSpecial, List<String> expected) {
    for (int i = 0; i < expected.size(); i++) {
      String text = VECTORS.texts().get(i);
      assertThat(joined(tokenizer.encode(text, addSpecial, i % 2 == 1)))
          .as("ids of '%s'", text)
          .isEqualTo(expected.get(i));
    }
  }

  private static String joined(int[] ids) {
    return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
  }

  @Test
  void whatIsNotKnownIsRefusedByName() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Tokenizers.of(VECTORS.bytePairs().metadata("no-such-name")))
        .withMessageContaining("'no-such-name'");
    for (String model : List.of("bert", "t5", "rwkv", "plamo2", "hybriddna", "none", "new")) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(
              () -> Tokenizers.of(VECTORS.bytePairs().metadata("gpt-2").put("model", model)))
          .withMessageContaining("'" + model + "'");
    }
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Tokenizers.of(new MapMetadata()))
        .withMessageContaining("tokenizer.ggml.model");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> Tokenizers.of(new MapMetadata().put("model", "llama")))
        .withMessageContaining("tokenizer.ggml.tokens");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(
            () ->
                Tokenizers.of(
                    VECTORS.bytePairs().metadata("gpt-2").put("token_type", new int[] {1})))
        .withMessageContaining("token_type");
  }

  @Test
  void specialTokensAreAddedAsTheFileSays() {
    Vectors.BytePairs vocabulary = VECTORS.bytePairs();
    int begin = vocabulary.begin();
    int end = vocabulary.end();
    int[] plain = Vectors.withBytePairs("gpt-2").encode("Hello", true, true);
    assertThat(plain).doesNotContain(begin, end);
    assertThat(Vectors.withBytePairs("llama-bpe").encode("Hello", true, true)[0]).isEqualTo(begin);
    Tokenizer both =
        Vectors.tokenizer(
            vocabulary.metadata("gpt-2").put("add_bos_token", true).put("add_eos_token", true));
    assertThat(both.encode("", true, true)).containsExactly(begin, end);
    assertThat(both.encode("", false, true)).isEmpty();
    assertThat(both.addsBeginOfText()).isTrue();
    assertThat(both.beginOfText()).isEqualTo(begin);
    assertThat(both.endOfText()).isEqualTo(end);
  }

  @Test
  void controlTokensAreParsedOnlyOnRequestAndUserDefinedOnesAlways() {
    Tokenizer tokenizer = Vectors.withBytePairs("gpt-2");
    int control = id(tokenizer, "<|im_start|>");
    int userDefined = id(tokenizer, "<tool>");
    assertThat(tokenizer.encode("<|im_start|><tool>", false, true))
        .containsExactly(control, userDefined);
    assertThat(tokenizer.encode("<|im_start|><tool>", false, false))
        .doesNotContain(control)
        .contains(userDefined);
    assertThat(tokenizer.isSpecial(control)).isTrue();
    assertThat(tokenizer.isSpecial(userDefined)).isFalse();
  }

  @Test
  void knowsWhatEndsAGeneration() {
    Tokenizer tokenizer = Vectors.withBytePairs("gpt-2");
    List<String> ends =
        VECTORS.bytePairs().tokens().stream()
            .filter(name -> tokenizer.isEndOfGeneration(id(tokenizer, name)))
            .toList();
    assertThat(ends).containsExactly("<|im_end|>", "</s>");
    Tokenizer sentencePiece = Vectors.withSentencePiece();
    assertThat(sentencePiece.isEndOfGeneration(2)).isTrue();
    assertThat(sentencePiece.isEndOfGeneration(1)).isFalse();
  }

  private static int id(Tokenizer tokenizer, String name) {
    Integer id = tokenizer.idOf(name);
    assertThat(id).as(name).isNotNull();
    return id == null ? -1 : id;
  }

  @Test
  void aMessageEndsNoHarmonyTurn() {
    List<String> names = List.of("<|end|>", "<|return|>", "<|call|>", "<|message|>");
    Tokenizer tokenizer =
        Vectors.tokenizer(
            new MapMetadata()
                .put("model", "gpt2")
                .put("pre", "gpt-4o")
                .put("tokens", names)
                .put("token_type", new int[] {3, 3, 3, 3})
                .put("merges", List.of()));
    assertThat(tokenizer.isEndOfGeneration(0)).isFalse();
    assertThat(tokenizer.isEndOfGeneration(1)).isTrue();
    assertThat(tokenizer.isEndOfGeneration(2)).isTrue();
    assertThat(tokenizer.isSpecial(3)).isFalse();
  }

  @Test
  void phiSwallowsWhiteSpaceAfterSpecialTokens() {
    MapMetadata metadata = VECTORS.sentencePiece().metadata();
    Tokenizer plain = Vectors.tokenizer(metadata);
    Tokenizer phi = Vectors.tokenizer(metadata.putGeneralName("Phi-3 mini"));
    assertThat(phi.encode("<|im_end|> \n x", false, true))
        .isEqualTo(plain.encode("<|im_end|>x", false, true))
        .isNotEqualTo(plain.encode("<|im_end|> \n x", false, true));
  }

  @Test
  void loneSurrogatesAreReplaced() {
    for (Tokenizer tokenizer :
        List.of(Vectors.withBytePairs("qwen2"), Vectors.withSentencePiece())) {
      assertThat(tokenizer.encode("a\ud800b\udc00", false, false))
          .isEqualTo(tokenizer.encode("a\ufffdb\ufffd", false, false));
    }
  }

  @Property(tries = 300)
  void bytesRoundTrip(@ForAll String text) {
    String clean = new String(text.getBytes(UTF_8), UTF_8);
    for (String pre : List.of("gpt-2", "qwen2", "deepseek-llm", "tekken", "exaone-moe")) {
      Tokenizer tokenizer = Vectors.withBytePairs(pre);
      assertThat(tokenizer.decode(tokenizer.encode(clean, false, false), false)).isEqualTo(clean);
    }
  }

  @Property(tries = 300)
  void sentencePieceRoundTrips(@ForAll String text) {
    String clean = new String(text.getBytes(UTF_8), UTF_8).replace('\u2581', ' ');
    Tokenizer tokenizer = Vectors.withSentencePiece();
    assertThat(tokenizer.decode(tokenizer.encode(clean, false, false), false)).isEqualTo(clean);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", " ", "\n", "7", "a b ", "Aa", "é", "ab1 ", "<|im_end|>", "<", "'s"})
  @Timeout(120)
  void aLongTextTakesNoLongerThanItsLength(String unit) {
    String text = unit.repeat(300_000 / unit.length());
    for (String pre : VECTORS.bytePairs().names().keySet()) {
      if (List.of(
              "gpt-2",
              "llama-bpe",
              "qwen2",
              "deepseek-llm",
              "falcon",
              "gpt-4o",
              "exaone-moe",
              "superbpe",
              "tiny_aya",
              "jais-2",
              "kimi-k2",
              "default")
          .contains(pre)) {
        Tokenizer tokenizer = Vectors.withBytePairs(pre);
        int[] ids = tokenizer.encode(text, false, true);
        assertThat(ids).as(pre).isNotEmpty();
      }
    }
    assertThat(Vectors.withSentencePiece().encode(text, false, true)).isNotEmpty();
  }
}
