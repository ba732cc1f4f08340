package io.ladon.coordinator.tokenizer;

/**
 * Turns tokens into text one by one, never splitting a character. Holds state; for one sequence and
 * one thread.
 */
public interface Detokenizer {

  /**
   * The text that is complete once this token is added: empty while a character still lacks bytes.
   * Bytes that can be part of no character become U+FFFD.
   *
   * @throws IndexOutOfBoundsException if the vocabulary has no such id
   */
  String push(int id);

  /** Ends the text: what is still held back becomes U+FFFD. */
  String flush();
}
