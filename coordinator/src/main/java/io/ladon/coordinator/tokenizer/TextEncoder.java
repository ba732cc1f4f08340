package io.ladon.coordinator.tokenizer;

/** Encodes a stretch of text in which no special token is left. Safe for many threads. */
interface TextEncoder {

  /**
   * Appends the ids of a text.
   *
   * @param text not empty
   * @param afterSpecial whether the text comes first, or right after a special token
   */
  void encode(String text, boolean afterSpecial, IntList ids);
}
