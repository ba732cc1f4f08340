package io.ladon.coordinator.tokenizer;

/**
 * The rules that most pre-tokenizers share, scanned by hand as llama.cpp does (which differs from
 * the regular expressions they come from in corner cases): a base class with one method per rule.
 */
abstract class WordScan implements SplitStep {

  /** A position in the piece that is being cut. */
  static final class Cursor {
    final int[] codePoints;
    final int end;
    final IntList ends;
    int at;

    Cursor(int[] codePoints, int start, int end, IntList ends) {
      this.codePoints = codePoints;
      this.at = start;
      this.end = end;
      this.ends = ends;
    }

    /** The code point at a position, or -1 beyond the end. */
    int codePoint(int position) {
      return position < end ? codePoints[position] : -1;
    }

    /** The flags at a position, or 0 beyond the end. */
    int flags(int position) {
      return position < end ? CodePoints.flags(codePoints[position]) : 0;
    }

    boolean is(int position, int flags) {
      return (flags(position) & flags) != 0;
    }

    /** Ends a part here. */
    void cut(int position) {
      ends.add(position);
      at = position;
    }
  }

  @Override
  public final void split(SplitText text, int start, int end, IntList ends) {
    Cursor cursor = new Cursor(text.codePoints, start, end, ends);
    while (cursor.at < end) {
      int part = part(cursor);
      cursor.cut(part > cursor.at ? part : cursor.at + 1);
    }
  }

  /** Where the part that begins at the cursor ends; the cursor itself if no rule matches. */
  abstract int part(Cursor cursor);

  /** {@code 's|'t|'re|'ve|'m|'ll|'d}: the end of such a contraction, or the position itself. */
  static int contraction(Cursor cursor, int at, boolean anyCase) {
    if (cursor.codePoint(at) != '\'') {
      return at;
    }
    int first = fold(cursor.codePoint(at + 1), anyCase);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
      return at + 2;
    }
    int second = fold(cursor.codePoint(at + 2), anyCase);
    boolean matches =
        (first == 'r' && second == 'e')
            || (first == 'v' && second == 'e')
            || (first == 'l' && second == 'l');
    return matches ? at + 3 : at;
  }

  private static int fold(int c, boolean anyCase) {
    return anyCase && c >= 'A' && c <= 'Z' ? c + 32 : c;
  }

  /** The end of the run of characters that have one of these flags. */
  static int run(Cursor cursor, int at, int flags) {
    int end = at;
    while (cursor.is(end, flags)) {
      end++;
    }
    return end;
  }

  /** The end of the run of characters that have none of these flags. */
  static int runWithout(Cursor cursor, int at, int flags) {
    int end = at;
    while (end < cursor.end && !cursor.is(end, flags)) {
      end++;
    }
    return end;
  }

  /** {@code \p{N}{1,most}}. */
  static int digits(Cursor cursor, int most) {
    int end = cursor.at;
    while (end - cursor.at < most && cursor.is(end, CodePoints.NUMBER)) {
      end++;
    }
    return end;
  }

  /** {@code [\r\n]*}. */
  static int lineBreaks(Cursor cursor, int at) {
    int end = at;
    while (isLineBreak(cursor.codePoint(end))) {
      end++;
    }
    return end;
  }

  static boolean isLineBreak(int c) {
    return c == '\r' || c == '\n';
  }

  /** {@code \s*[\r\n]+|\s+(?!\S)|\s+}, the first only if asked for. */
  static int whitespace(Cursor cursor, boolean lineBreaks) {
    int end = cursor.at;
    int afterLineBreak = -1;
    while (cursor.is(end, CodePoints.WHITESPACE)) {
      if (isLineBreak(cursor.codePoint(end))) {
        afterLineBreak = end + 1;
      }
      end++;
    }
    if (lineBreaks && afterLineBreak > 0) {
      return afterLineBreak;
    }
    return end - cursor.at > 1 && end < cursor.end ? end - 1 : end;
  }
}
