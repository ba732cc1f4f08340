package io.ladon.coordinator.tokenizer;

import io.ladon.coordinator.tokenizer.PreTokenizer.Trait;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Byte-pair encoding, as llama.cpp does it: a pre-tokenizer cuts the text into words; in each word,
 * merge the neighbours whose rule ranks lowest, the leftmost first, until no rule applies.
 */
final class BytePairEncoder implements TextEncoder {

  private static final int ESCAPED_SPACE = 0x2581;
  private static final int SHORT_WORD = 32; // up to here a scan beats a heap
  private static final long NO_PAIR = Long.MAX_VALUE;

  private final Vocabulary vocabulary;
  private final PreTokenizer preTokenizer;
  private final ByteStrings symbols; // the vocabulary's names, then pieces that are no token
  private final Merges merges;
  private final boolean raw;
  private final int[] byteSymbols = new int[256]; // the symbol of each byte, if not raw
  private final int[] byteTokens = new int[256]; // what a byte in no token becomes, or NONE

  BytePairEncoder(Vocabulary vocabulary, PreTokenizer preTokenizer, java.util.List<String> rules) {
    this.vocabulary = vocabulary;
    this.preTokenizer = preTokenizer;
    symbols = vocabulary.names;
    merges = new Merges(rules, symbols);
    raw = preTokenizer.has(Trait.RAW_UTF8);
    for (int b = 0; b < 256; b++) {
      byte[] name = ByteLetters.name(b);
      byteSymbols[b] = symbols.intern(name, 0, name.length);
      String token = String.format(Locale.ROOT, "<0x%02X>", b);
      byte[] single = raw ? token.getBytes(StandardCharsets.UTF_8) : new byte[] {(byte) b};
      int id = symbols.find(single, 0, single.length);
      byteTokens[b] = id < vocabulary.size ? id : Vocabulary.NONE;
    }
  }

  @Override
  public void encode(String text, boolean afterSpecial, IntList ids) {
    int[] codePoints = CodePoints.of(text);
    if (preTokenizer.has(Trait.ESCAPE_SPACES)) {
      for (int i = 0; i < codePoints.length; i++) {
        codePoints[i] = codePoints[i] == ' ' ? ESCAPED_SPACE : codePoints[i];
      }
    }
    if (preTokenizer.has(Trait.LOWER_CASE)) {
      for (int i = 0; i < codePoints.length; i++) {
        codePoints[i] = CodePoints.toLowerCase(codePoints[i]);
      }
    }
    boolean dropSpaces = preTokenizer.has(Trait.DROP_SPACES);
    IntList ends = preTokenizer.split(new SplitText(codePoints));
    Session session = new Session();
    int start = 0;
    for (int i = 0; i < ends.size(); i++) {
      int end = ends.get(i);
      boolean space =
          dropSpaces && (CodePoints.flags(codePoints[start]) & CodePoints.WHITESPACE) != 0;
      if (end > start && !space) {
        session.encodeWord(codePoints, start, end, ids);
      }
      start = end;
    }
  }

  /** Scratch space for the words of one text. */
  private final class Session {
    private byte[] utf8 = new byte[256];
    private byte[] letters = new byte[512];
    private int[] word = new int[256]; // symbols; an unknown character is -1 - its place in utf8
    private long[] pairs = new long[256]; // rank << 32 | place of the pair of a symbol and the next
    private int[] next = new int[256];
    private int[] previous = new int[256];
    private int count;

    void encodeWord(int[] codePoints, int start, int end, IntList ids) {
      int most = 4 * (end - start);
      if (utf8.length < most) {
        utf8 = new byte[most];
        letters = new byte[2 * most];
        word = new int[most];
        pairs = new long[most];
        next = new int[most];
        previous = new int[most];
      }
      int length = 0;
      for (int i = start; i < end; i++) {
        length = CodePoints.encode(codePoints[i], utf8, length);
      }
      if (takesWhole(codePoints, start, end)) {
        int id = wholeWord(length);
        if (id >= 0) {
          ids.add(id);
          return;
        }
      }
      fillWord(length);
      if (count <= SHORT_WORD) {
        mergeByScan();
        for (int i = 0; i < count; i++) {
          emit(word[i], ids);
        }
      } else {
        mergeByHeap();
        for (int i = 0; i >= 0; i = next[i]) {
          emit(word[i], ids);
        }
      }
    }

    private boolean takesWhole(int[] codePoints, int start, int end) {
      if (preTokenizer.has(Trait.IGNORE_MERGES)) {
        return true;
      }
      if (!preTokenizer.has(Trait.WHOLE_LINE_FEEDS)) {
        return false;
      }
      for (int i = start; i < end; i++) {
        if (codePoints[i] != '\n') {
          return false;
        }
      }
      return true;
    }

    private int wholeWord(int length) {
      int id;
      if (raw) {
        id = symbols.find(utf8, 0, length);
      } else {
        int encoded = 0;
        for (int i = 0; i < length; i++) {
          encoded = CodePoints.encode(ByteLetters.letter(utf8[i]), letters, encoded);
        }
        id = symbols.find(letters, 0, encoded);
      }
      return id < vocabulary.size ? id : Vocabulary.NONE;
    }

    private void fillWord(int length) {
      count = 0;
      if (!raw) {
        for (int i = 0; i < length; i++) {
          word[count++] = byteSymbols[utf8[i] & 0xFF];
        }
        return;
      }
      for (int i = 0; i < length; ) {
        int bytes = CodePoints.utf8Length(utf8[i]);
        int symbol = symbols.find(utf8, i, bytes);
        word[count++] = symbol >= 0 ? symbol : -1 - i;
        i += bytes;
      }
    }

    private long pair(int left, int right, int place) {
      int slot = left < 0 || right < 0 ? -1 : merges.find(left, right);
      return slot < 0 ? NO_PAIR : ((long) merges.rank(slot) << 32) | place;
    }

    private void mergeByScan() {
      for (int i = 0; i + 1 < count; i++) {
        pairs[i] = pair(word[i], word[i + 1], 0);
      }
      while (count > 1) {
        int best = 0;
        for (int i = 1; i + 1 < count; i++) {
          if (pairs[i] < pairs[best]) {
            best = i;
          }
        }
        if (pairs[best] == NO_PAIR) {
          return;
        }
        word[best] = merges.merged(merges.find(word[best], word[best + 1]));
        count--;
        System.arraycopy(word, best + 2, word, best + 1, count - best - 1);
        System.arraycopy(pairs, best + 2, pairs, best + 1, Math.max(0, count - best - 2));
        if (best > 0) {
          pairs[best - 1] = pair(word[best - 1], word[best], 0);
        }
        if (best + 1 < count) {
          pairs[best] = pair(word[best], word[best + 1], 0);
        }
      }
    }

    private void mergeByHeap() {
      LongHeap heap = new LongHeap(count);
      for (int i = 0; i < count; i++) {
        previous[i] = i - 1;
        next[i] = i + 1 < count ? i + 1 : -1;
        file(i, heap);
      }
      while (!heap.isEmpty()) {
        long key = heap.pop();
        int left = (int) key;
        if (pairs[left] != key) {
          continue; // one of the two has been merged since
        }
        int right = next[left];
        word[left] = merges.merged(merges.find(word[left], word[right]));
        pairs[right] = NO_PAIR;
        next[left] = next[right];
        if (next[right] >= 0) {
          previous[next[right]] = left;
        }
        if (previous[left] >= 0) {
          file(previous[left], heap);
        }
        file(left, heap);
      }
    }

    private void file(int left, LongHeap heap) {
      int right = next[left];
      pairs[left] = right < 0 ? NO_PAIR : pair(word[left], word[right], left);
      if (pairs[left] != NO_PAIR) {
        heap.push(pairs[left]);
      }
    }

    /** A token as its id, anything else byte by byte. */
    private void emit(int symbol, IntList ids) {
      if (symbol >= 0 && symbol < vocabulary.size) {
        ids.add(symbol);
      } else if (symbol >= 0) {
        for (int i = 0; i < symbols.length(symbol); i++) {
          emitByte(symbols.byteAt(symbol, i), ids);
        }
      } else {
        int at = -1 - symbol;
        for (int i = 0; i < CodePoints.utf8Length(utf8[at]); i++) {
          emitByte(utf8[at + i], ids);
        }
      }
    }

    private void emitByte(byte b, IntList ids) {
      int id = byteTokens[b & 0xFF];
      if (id >= 0) {
        ids.add(id);
      }
    }
  }
}
