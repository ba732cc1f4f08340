package io.ladon.coordinator.tokenizer;

/** One step of a pre-tokenizer: cuts a piece of a text into smaller ones. */
interface SplitStep {

  /**
   * Cuts the piece from {@code start} to {@code end} (code points, end exclusive, not empty).
   *
   * @param ends receives the end of each part in order, the last one being {@code end}
   */
  void split(SplitText text, int start, int end, IntList ends);
}
