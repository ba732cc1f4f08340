package io.ladon.coordinator.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class DetokenizerTest {

  private static final int FIRST_BYTE = 3; // the id of <0x00>

  private final Tokenizer bytes = Vectors.withBytePairs("gpt-2");
  private final Tokenizer pieces = Vectors.withSentencePiece();

  /** The pieces of text that byte tokens give one by one, and at the end. */
  private List<String> push(int... values) {
    Detokenizer detokenizer = pieces.detokenizer();
    List<String> texts = new ArrayList<>();
    for (int value : values) {
      texts.add(detokenizer.push(FIRST_BYTE + value));
    }
    texts.add(detokenizer.flush());
    return texts;
  }

  @Test
  void holdsBackAnIncompleteCharacter() {
    assertThat(push(0x41, 0xC3, 0xA9)).containsExactly("A", "", "é", "");
    assertThat(push(0xE4, 0xBD, 0xA0)).containsExactly("", "", "你", "");
    assertThat(push(0xF0, 0x9F, 0x98, 0x80)).containsExactly("", "", "", "😀", "");
  }

  @Test
  void replacesWhatIsNoCharacter() {
    assertThat(push(0xF0, 0x9F)).containsExactly("", "", "\ufffd");
    assertThat(push(0xFF, 0x41)).containsExactly("\ufffd", "A", "");
    assertThat(push(0xE4, 0xBD, 0x41)).containsExactly("", "", "\ufffdA", "");
    assertThat(push(0x80)).containsExactly("\ufffd", "");
    assertThat(String.join("", push(0xED, 0xA0, 0x80)))
        .isEqualTo(new String(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80}, UTF_8));
  }

  @Test
  void canBeUsedAfterTheEndOfAText() {
    Detokenizer detokenizer = pieces.detokenizer();
    detokenizer.push(FIRST_BYTE + 0xC3);
    assertThat(detokenizer.flush()).isEqualTo("\ufffd");
    assertThat(detokenizer.push(FIRST_BYTE + 0x41)).isEqualTo("A");
  }

  @Test
  void givesTheSameTextOneByOneAsAtOnce() {
    for (String text : Vectors.INSTANCE.texts()) {
      assertThat(bytes.decode(bytes.encode(text, false, false), false)).isEqualTo(text);
      // SentencePiece puts a space after every special token, as llama.cpp does
      assertThat(pieces.decode(pieces.encode(text, false, false), false))
          .isEqualTo(text.replace("<tool> ", "<tool>  "));
    }
  }

  @Test
  void controlTokensAreHiddenUnlessAskedFor() {
    int[] ids = bytes.encode("<|im_start|>user<tool><|im_end|>", false, true);
    assertThat(bytes.decode(ids, false)).isEqualTo("user<tool>");
    assertThat(bytes.decode(ids, true)).isEqualTo("<|im_start|>user<tool><|im_end|>");
  }

  @Test
  void theFirstSpaceIsDroppedAtTheStartOfATextOnly() {
    int[] ids = pieces.encode("the", false, false);
    assertThat(pieces.decode(ids, false)).isEqualTo("the");
    assertThat(decode(pieces.detokenizer(), ids)).isEqualTo(" the");
    assertThat(decode(pieces.detokenizer(true, false), pieces.encode("the", true, false)))
        .as("after a hidden begin-of-text")
        .isEqualTo("the");
    assertThat(bytes.decode(bytes.encode(" the", false, false), false)).isEqualTo(" the");
  }

  private static String decode(Detokenizer detokenizer, int[] ids) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(detokenizer.push(id));
    }
    return text.append(detokenizer.flush()).toString();
  }

  @Test
  void tokensHaveBytes() {
    assertThat(pieces.tokenBytes(FIRST_BYTE + 0xC3)).containsExactly(0xC3);
    assertThat(pieces.tokenBytes(1)).isEqualTo("<s>".getBytes(UTF_8));
    Integer space = Objects.requireNonNull(bytes.idOf("\u0120"));
    assertThat(bytes.tokenBytes(space)).containsExactly(' ');
  }

  @Test
  void idsOutsideOfTheVocabularyAreRefused() {
    for (int id : new int[] {-1, bytes.vocabularySize()}) {
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> bytes.detokenizer().push(id))
          .withMessageContaining(Integer.toString(id));
    }
  }
}
