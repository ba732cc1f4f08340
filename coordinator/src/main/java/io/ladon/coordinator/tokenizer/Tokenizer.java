package io.ladon.coordinator.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * A model's vocabulary and its rules of splitting text, exactly as llama.cpp applies them.
 * Immutable and safe for use from many threads.
 */
public interface Tokenizer {

  /**
   * The ids of a text. A lone surrogate is read as U+FFFD.
   *
   * @param text any string, also the empty one
   * @param addSpecial adds the begin-of-text and end-of-text tokens that the model asks for (often
   *     one, or none)
   * @param parseSpecial whether the text of a control token, such as {@code <|im_start|>}, becomes
   *     that token: true for the output of a chat template, false for a user's own words. Tokens
   *     that the model file calls user-defined are recognised either way.
   */
  int[] encode(String text, boolean addSpecial, boolean parseSpecial);

  /** Number of ids; ids run from 0 to this, exclusive. */
  int vocabularySize();

  /**
   * The bytes that a token stands for, of a control token the bytes of its name. They need not be
   * whole characters.
   *
   * @throws IndexOutOfBoundsException if there is no such id
   */
  byte[] tokenBytes(int id);

  /** Whether a token is a control token, hidden in text unless asked for. */
  boolean isSpecial(int id);

  /** Whether the model says with this token that it has finished. */
  boolean isEndOfGeneration(int id);

  /** Whether {@code encode(..., true, ...)} puts {@link #beginOfText()} first. */
  boolean addsBeginOfText();

  /** The begin-of-text token, if the model has one. */
  @Nullable Integer beginOfText();

  /** The end-of-text token, if the model has one. */
  @Nullable Integer endOfText();

  /** The id whose name in the vocabulary is exactly this, or null. */
  @Nullable Integer idOf(String name);

  /**
   * Turns the tokens that continue a prompt into text: control tokens are hidden, and a leading
   * space is kept, because it belongs between the prompt and its continuation.
   */
  Detokenizer detokenizer();

  /**
   * As {@link #detokenizer()}.
   *
   * @param startOfText whether no text precedes: then the space that some vocabularies put before
   *     the first word is left out
   * @param special whether control tokens appear by name
   */
  Detokenizer detokenizer(boolean startOfText, boolean special);

  /** The text of a whole sequence of ids, from the start of a text. */
  default String decode(int[] ids, boolean special) {
    Detokenizer detokenizer = detokenizer(true, special);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(detokenizer.push(id));
    }
    return text.append(detokenizer.flush()).toString();
  }
}
