package io.ladon.coordinator.tokenizer;

import io.ladon.coordinator.tokenizer.SpecialTokens.Fragment;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer of a GGUF file: special tokens first, then the encoder of its kind for the rest.
 */
final class GgufTokenizer implements Tokenizer {

  /**
   * What differs from file to file.
   *
   * @param addBegin whether begin-of-text goes first
   * @param addEnd whether end-of-text goes last
   * @param spacePrefix whether a space is put before a text, and left out at the start of the
   *     output
   * @param byteLetters whether names of tokens are written in {@link ByteLetters}, else with U+2581
   *     for spaces
   */
  record Options(boolean addBegin, boolean addEnd, boolean spacePrefix, boolean byteLetters) {}

  private final Vocabulary vocabulary;
  private final SpecialTokens specialTokens;
  private final TextEncoder encoder;
  private final Options options;

  GgufTokenizer(Vocabulary vocabulary, TextEncoder encoder, Options options) {
    this.vocabulary = vocabulary;
    this.encoder = encoder;
    this.options = options;
    specialTokens = new SpecialTokens(vocabulary);
  }

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    IntList ids = new IntList(text.length() / 3 + 2);
    if (addSpecial && addsBeginOfText()) {
      ids.add(vocabulary.beginOfText);
    }
    boolean afterSpecial = true;
    for (Fragment fragment : specialTokens.partition(text, parseSpecial)) {
      if (fragment.token() >= 0) {
        ids.add(fragment.token());
        afterSpecial = true;
      } else {
        String part = text.substring(fragment.start(), fragment.end());
        encoder.encode(part, afterSpecial, ids);
        afterSpecial = false;
      }
    }
    if (addSpecial && options.addEnd && vocabulary.endOfText >= 0) {
      ids.add(vocabulary.endOfText);
    }
    return ids.toArray();
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size;
  }

  @Override
  public byte[] tokenBytes(int id) {
    check(id);
    int kind = vocabulary.kind(id);
    int named = Vocabulary.CONTROL | Vocabulary.UNKNOWN | Vocabulary.USER_DEFINED;
    if ((kind & named) != 0) {
      return vocabulary.names.get(id);
    }
    if ((kind & Vocabulary.NORMAL) != 0) {
      String name = vocabulary.name(id);
      return options.byteLetters
          ? ByteLetters.decode(name)
          : name.replace('\u2581', ' ').getBytes(StandardCharsets.UTF_8);
    }
    if ((kind & Vocabulary.BYTE) != 0) {
      return byteOf(vocabulary.name(id));
    }
    return new byte[0]; // unused
  }

  /** The byte of a token such as {@code <0x0A>}. */
  private static byte[] byteOf(String name) {
    if (name.length() == 6 && name.startsWith("<0x")) {
      try {
        return new byte[] {(byte) Integer.parseInt(name, 3, 5, 16)};
      } catch (NumberFormatException e) {
        return name.getBytes(StandardCharsets.UTF_8); // no byte after all
      }
    }
    return name.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public boolean isSpecial(int id) {
    check(id);
    return vocabulary.is(id, Vocabulary.CONTROL | Vocabulary.UNKNOWN);
  }

  @Override
  public boolean isEndOfGeneration(int id) {
    check(id);
    return vocabulary.isEndOfGeneration(id);
  }

  @Override
  public boolean addsBeginOfText() {
    return options.addBegin && vocabulary.beginOfText >= 0;
  }

  @Override
  public @Nullable Integer beginOfText() {
    return vocabulary.beginOfText >= 0 ? vocabulary.beginOfText : null;
  }

  @Override
  public @Nullable Integer endOfText() {
    return vocabulary.endOfText >= 0 ? vocabulary.endOfText : null;
  }

  @Override
  public @Nullable Integer idOf(String name) {
    int id = vocabulary.idOf(name);
    return id >= 0 ? id : null;
  }

  @Override
  public Detokenizer detokenizer() {
    return detokenizer(false, false);
  }

  @Override
  public Detokenizer detokenizer(boolean startOfText, boolean special) {
    return new Utf8Detokenizer(this, startOfText && options.spacePrefix, special);
  }

  private void check(int id) {
    if (id < 0 || id >= vocabulary.size) {
      throw new IndexOutOfBoundsException(
          "token " + id + " is not in the vocabulary of " + vocabulary.size);
    }
  }
}
