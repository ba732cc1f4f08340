package io.ladon.coordinator.tokenizer;

import java.util.Locale;

/**
 * SentencePiece's merges, as llama.cpp does them: of all neighbours whose join is a token, join
 * those with the best score, the leftmost first, until none is left; characters that end up in no
 * token become byte tokens.
 */
final class SentencePieceEncoder implements TextEncoder {

  private static final int ESCAPED_SPACE = 0x2581;
  private static final long NO_PAIR = Long.MAX_VALUE;

  private final Vocabulary vocabulary;
  private final boolean spacePrefix;
  private final int[] byteTokens = new int[256]; // or NONE

  SentencePieceEncoder(Vocabulary vocabulary, boolean spacePrefix) {
    this.vocabulary = vocabulary;
    this.spacePrefix = spacePrefix;
    for (int b = 0; b < 256; b++) {
      int id = vocabulary.idOf(String.format(Locale.ROOT, "<0x%02X>", b));
      if (id < 0) {
        byte[] single = {(byte) b};
        id = vocabulary.names.find(single, 0, 1);
      }
      byteTokens[b] = id >= 0 ? id : vocabulary.unknown;
    }
  }

  @Override
  public void encode(String text, boolean afterSpecial, IntList ids) {
    int[] codePoints = CodePoints.of(text);
    byte[] bytes = new byte[3 + 4 * codePoints.length];
    int length = 0;
    if (spacePrefix && afterSpecial) {
      length = CodePoints.encode(ESCAPED_SPACE, bytes, length);
    }
    for (int c : codePoints) {
      length = CodePoints.encode(c == ' ' ? ESCAPED_SPACE : c, bytes, length);
    }
    new Session(bytes, length).run(ids);
  }

  /** The symbols of one text; symbol s starts as the character that begins at starts[s]. */
  private final class Session {
    private final byte[] bytes;
    private final int[] starts;
    private final int[] lengths; // 0 once merged into the symbol before
    private final int[] previous;
    private final int[] next;
    private final long[] pairs; // heap key of the symbol and its next one
    private final LongHeap heap;
    private int count;

    Session(byte[] bytes, int length) {
      this.bytes = bytes;
      for (int at = 0; at < length; at += CodePoints.utf8Length(bytes[at])) {
        count++;
      }
      starts = new int[count];
      lengths = new int[count];
      previous = new int[count];
      next = new int[count];
      pairs = new long[count];
      heap = new LongHeap(count);
      int at = 0;
      for (int s = 0; s < count; s++) {
        starts[s] = at;
        lengths[s] = CodePoints.utf8Length(bytes[at]);
        at += lengths[s];
        previous[s] = s - 1;
        next[s] = s + 1 < count ? s + 1 : -1;
      }
    }

    void run(IntList ids) {
      for (int s = 0; s < count; s++) {
        pair(s);
      }
      while (!heap.isEmpty()) {
        long key = heap.pop();
        int left = (int) key;
        if (pairs[left] != key) {
          continue; // one of the two has been merged since
        }
        int right = next[left];
        lengths[left] += lengths[right];
        lengths[right] = 0;
        pairs[right] = NO_PAIR;
        next[left] = next[right];
        if (next[right] >= 0) {
          previous[next[right]] = left;
        }
        if (previous[left] >= 0) {
          pair(previous[left]);
        }
        pair(left);
      }
      for (int s = 0; s >= 0; s = next[s]) {
        int id = vocabulary.names.find(bytes, starts[s], lengths[s]);
        if (id >= 0) {
          ids.add(id);
        } else {
          for (int i = 0; i < lengths[s]; i++) {
            int token = byteTokens[bytes[starts[s] + i] & 0xFF];
            if (token >= 0) {
              ids.add(token);
            }
          }
        }
      }
    }

    /** Files the pair of a symbol and its next one, if their join is a token. */
    private void pair(int left) {
      int right = next[left];
      int id =
          right < 0
              ? -1
              : vocabulary.names.find(bytes, starts[left], lengths[left] + lengths[right]);
      if (id < 0) {
        pairs[left] = NO_PAIR;
        return;
      }
      float score = vocabulary.scores.length == 0 ? 0f : vocabulary.scores[id];
      int bits = Float.floatToIntBits(score + 0f); // no negative zero
      int ascending = bits ^ ((bits >> 31) & 0x7FFFFFFF);
      long key = ((long) ~ascending << 32) | left; // best score first, then leftmost
      pairs[left] = key;
      heap.push(key);
    }
  }
}
