package io.ladon.coordinator.tokenizer;

/**
 * What pre-tokenizers ask of a code point: its general category, coarsely, and whether it is white
 * space. The answers are those of Unicode 15.1, as in llama.cpp, whatever version the JDK has:
 * characters added later count as unassigned.
 */
final class CodePoints {

  static final int LETTER = 1; // category L
  static final int NUMBER = 2; // category N
  static final int MARK = 4; // category M
  static final int PUNCTUATION = 8; // category P
  static final int SYMBOL = 16; // category S
  static final int OTHER = 32; // categories Z and C, and unassigned
  static final int WHITESPACE = 64; // beside the category
  static final int WORD = LETTER | NUMBER;

  /** First and last of the ranges that Unicode 16 assigned. */
  private static final int[] ASSIGNED_LATER = {
    0x0897, 0x0897, 0x1b4e, 0x1b4f, 0x1b7f, 0x1b7f, 0x1c89, 0x1c8a, 0x2427, 0x2429, 0x31e4, 0x31e5,
    0xa7cb, 0xa7cd, 0xa7da, 0xa7dc, 0x105c0, 0x105f3, 0x10d40, 0x10d65, 0x10d69, 0x10d85, 0x10d8e,
    0x10d8f, 0x10ec2, 0x10ec4, 0x10efc, 0x10efc, 0x11380, 0x11389, 0x1138b, 0x1138b, 0x1138e,
    0x1138e, 0x11390, 0x113b5, 0x113b7, 0x113c0, 0x113c2, 0x113c2, 0x113c5, 0x113c5, 0x113c7,
    0x113ca, 0x113cc, 0x113d5, 0x113d7, 0x113d8, 0x113e1, 0x113e2, 0x116d0, 0x116e3, 0x11bc0,
    0x11be1, 0x11bf0, 0x11bf9, 0x11f5a, 0x11f5a, 0x13460, 0x143fa, 0x16100, 0x16139, 0x16d40,
    0x16d79, 0x18cff, 0x18cff, 0x1cc00, 0x1ccf9, 0x1cd00, 0x1ceb3, 0x1e5d0, 0x1e5fa, 0x1e5ff,
    0x1e5ff, 0x1f8b2, 0x1f8bb, 0x1f8c0, 0x1f8c1, 0x1fa89, 0x1fa89, 0x1fa8f, 0x1fa8f, 0x1fabe,
    0x1fabe, 0x1fac6, 0x1fac6, 0x1fadc, 0x1fadc, 0x1fadf, 0x1fadf, 0x1fae9, 0x1fae9, 0x1fbcb,
    0x1fbef,
  };

  private static final byte[] TABLE = new byte[0x3200]; // Latin to kana: the scripts met most

  static {
    for (int c = 0; c < TABLE.length; c++) {
      TABLE[c] = (byte) compute(c);
    }
  }

  private CodePoints() {}

  /** The flags of a code point; never 0. */
  static int flags(int codePoint) {
    return codePoint < TABLE.length ? TABLE[codePoint] : compute(codePoint);
  }

  /** Whether the character is Han, as the Kimi-K2 pre-tokenizer sees it. */
  static boolean isHan(int c) {
    return (c >= 0x4E00 && c <= 0x9FFF)
        || (c >= 0x3400 && c <= 0x4DBF)
        || (c >= 0x20000 && c <= 0x2A6DF)
        || (c >= 0x2A700 && c <= 0x2EBEF)
        || (c >= 0xF900 && c <= 0xFAFF)
        || (c >= 0x2F800 && c <= 0x2FA1F);
  }

  /** The lower case of one code point by Unicode's simple mapping. */
  static int toLowerCase(int codePoint) {
    int lower = Character.toLowerCase(codePoint);
    return lower != codePoint && (isAssignedLater(codePoint) || isAssignedLater(lower))
        ? codePoint
        : lower;
  }

  /** The code points of a text; a lone surrogate becomes U+FFFD. */
  static int[] of(String text) {
    int[] codePoints = new int[text.length()];
    int count = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      codePoints[count++] = c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c;
    }
    return count == codePoints.length ? codePoints : java.util.Arrays.copyOf(codePoints, count);
  }

  /** Writes a code point as UTF-8 and returns the index after it. */
  static int encode(int c, byte[] out, int at) {
    if (c < 0x80) {
      out[at] = (byte) c;
      return at + 1;
    }
    if (c < 0x800) {
      out[at] = (byte) (0xC0 | (c >> 6));
      out[at + 1] = (byte) (0x80 | (c & 0x3F));
      return at + 2;
    }
    if (c < 0x10000) {
      out[at] = (byte) (0xE0 | (c >> 12));
      out[at + 1] = (byte) (0x80 | ((c >> 6) & 0x3F));
      out[at + 2] = (byte) (0x80 | (c & 0x3F));
      return at + 3;
    }
    out[at] = (byte) (0xF0 | (c >> 18));
    out[at + 1] = (byte) (0x80 | ((c >> 12) & 0x3F));
    out[at + 2] = (byte) (0x80 | ((c >> 6) & 0x3F));
    out[at + 3] = (byte) (0x80 | (c & 0x3F));
    return at + 4;
  }

  /** Length in bytes of the UTF-8 character that begins with this byte. */
  static int utf8Length(byte first) {
    int high = (first & 0xFF) >>> 4;
    return high < 12 ? 1 : high < 14 ? 2 : high - 11; // 1110 -> 3, 1111 -> 4
  }

  private static int compute(int c) {
    int flags = isAssignedLater(c) ? OTHER : category(Character.getType(c));
    return isWhitespace(c) ? flags | WHITESPACE : flags;
  }

  private static int category(int type) {
    return switch (type) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK ->
          MARK;
      case Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.CONNECTOR_PUNCTUATION,
          Character.OTHER_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION ->
          PUNCTUATION;
      case Character.MATH_SYMBOL,
          Character.CURRENCY_SYMBOL,
          Character.MODIFIER_SYMBOL,
          Character.OTHER_SYMBOL ->
          SYMBOL;
      default -> OTHER;
    };
  }

  /** The property White_Space. */
  private static boolean isWhitespace(int c) {
    return (c >= 9 && c <= 13)
        || c == 0x20
        || c == 0x85
        || c == 0xA0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200A)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202F
        || c == 0x205F
        || c == 0x3000;
  }

  private static boolean isAssignedLater(int c) {
    if (c < ASSIGNED_LATER[0]) {
      return false;
    }
    int low = 0;
    int high = ASSIGNED_LATER.length / 2 - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (c < ASSIGNED_LATER[2 * middle]) {
        high = middle - 1;
      } else if (c > ASSIGNED_LATER[2 * middle + 1]) {
        low = middle + 1;
      } else {
        return true;
      }
    }
    return false;
  }
}
