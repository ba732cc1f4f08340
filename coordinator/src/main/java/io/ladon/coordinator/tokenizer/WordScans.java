package io.ladon.coordinator.tokenizer;

/** The scans of llama.cpp's {@code unicode_regex_split_custom}. */
final class WordScans {

  private static final int WHITESPACE_OR_WORD = CodePoints.WHITESPACE | CodePoints.WORD;

  private WordScans() {}

  /** GPT-2: {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
  static SplitStep gpt2() {
    return new WordScan() {
      @Override
      int part(Cursor cursor) {
        int at = cursor.at;
        int contraction = contraction(cursor, at, false);
        if (contraction > at) {
          return contraction;
        }
        int word = cursor.codePoint(at) == ' ' ? at + 1 : at;
        if (cursor.is(word, CodePoints.LETTER)) {
          return run(cursor, word, CodePoints.LETTER);
        }
        if (cursor.is(word, CodePoints.NUMBER)) {
          return run(cursor, word, CodePoints.NUMBER);
        }
        int symbols = runWithout(cursor, word, WHITESPACE_OR_WORD);
        return symbols > word ? symbols : whitespace(cursor, false);
      }
    };
  }

  /**
   * Llama 3, Qwen 2, Qwen 3.5: {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|
   * \p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}.
   *
   * @param mostDigits 3 for Llama 3, 1 for Qwen
   * @param marks whether combining marks go with the letters
   */
  static SplitStep words(int mostDigits, boolean marks) {
    int letters = marks ? CodePoints.LETTER | CodePoints.MARK : CodePoints.LETTER;
    return new WordScan() {
      @Override
      int part(Cursor cursor) {
        int at = cursor.at;
        int contraction = contraction(cursor, at, true);
        if (contraction > at) {
          return contraction;
        }
        int c = cursor.codePoint(at);
        if (!isLineBreak(c)
            && !cursor.is(at, CodePoints.NUMBER)
            && (cursor.is(at, letters) || cursor.is(at + 1, letters))) {
          return run(cursor, at + 1, letters);
        }
        if (cursor.is(at, CodePoints.NUMBER)) {
          return digits(cursor, mostDigits);
        }
        int word = c == ' ' ? at + 1 : at;
        int symbols = runWithout(cursor, word, WHITESPACE_OR_WORD | letters);
        return symbols > word ? lineBreaks(cursor, symbols) : whitespace(cursor, true);
      }
    };
  }

  /** Kimi K2: runs of Han, words without Han together with a contraction, the rest as Llama 3. */
  static SplitStep kimi() {
    return new WordScan() {
      @Override
      int part(Cursor cursor) {
        int at = cursor.at;
        int c = cursor.codePoint(at);
        int word = at;
        while (CodePoints.isHan(cursor.codePoint(word))) {
          word++;
        }
        if (word > at) {
          return word;
        }
        if (!isLineBreak(c) && !cursor.is(at, CodePoints.WORD)) {
          word++; // one leading character
        }
        int letters = word;
        while (cursor.is(letters, CodePoints.LETTER)
            && !CodePoints.isHan(cursor.codePoint(letters))) {
          letters++;
        }
        if (letters > word) {
          return contraction(cursor, letters, true);
        }
        if (cursor.is(at, CodePoints.NUMBER)) {
          return digits(cursor, 3);
        }
        int first = c == ' ' ? at + 1 : at;
        int symbols = runWithout(cursor, first, WHITESPACE_OR_WORD);
        return symbols > first ? lineBreaks(cursor, symbols) : whitespace(cursor, true);
      }
    };
  }

  /** {@code [^\n]+|\n+}: lines and runs of line feeds. */
  static SplitStep lines() {
    return (text, start, end, ends) -> {
      for (int i = start + 1; i < end; i++) {
        if ((text.codePoints[i] == '\n') != (text.codePoints[i - 1] == '\n')) {
          ends.add(i);
        }
      }
      ends.add(end);
    };
  }

  /** Cuts each run of numbers into threes from its end; what lies between runs stays one part. */
  static SplitStep digitsInThrees() {
    return (text, start, end, ends) -> {
      int at = start;
      while (at < end) {
        int runEnd = at;
        while (runEnd < end && isNumber(text.codePoints[runEnd])) {
          runEnd++;
        }
        // llama.cpp ends no part where a run of numbers begins: what precedes joins its first group
        for (int cut = at + (runEnd - at) % 3; cut <= runEnd; cut += 3) {
          if (cut > at) {
            ends.add(cut);
          }
        }
        at = runEnd;
        while (at < end && !isNumber(text.codePoints[at])) {
          at++;
        }
      }
      if (ends.size() == 0 || ends.get(ends.size() - 1) != end) {
        ends.add(end);
      }
    };
  }

  /**
   * SuperBPE's {@code (?=(\d{3})+(?!\d))}: cuts before each group of three ASCII digits, counted
   * from the end of a run.
   */
  static SplitStep beforeThreeDigits() {
    return (text, start, end, ends) -> {
      int at = start;
      while (at < end) {
        int runEnd = at;
        while (runEnd < end && isAsciiDigit(text.codePoints[runEnd])) {
          runEnd++;
        }
        for (int cut = runEnd - (runEnd - at) / 3 * 3; cut < runEnd; cut += 3) {
          if (cut > start) {
            ends.add(cut);
          }
        }
        at = Math.max(runEnd, at + 1);
      }
      ends.add(end);
    };
  }

  private static boolean isNumber(int c) {
    return (CodePoints.flags(c) & CodePoints.NUMBER) != 0;
  }

  private static boolean isAsciiDigit(int c) {
    return c >= '0' && c <= '9';
  }
}
