package io.ladon.coordinator.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * A text as the steps of a pre-tokenizer see it, one element a code point, so that every position
 * means the same in all views.
 */
final class SplitText {

  /** Stand-ins of {@link #collapsed()} for everything beyond ASCII. */
  static final char OTHER = '\u00D0';

  static final char NUMBER = '\u00D1';
  static final char LETTER = '\u00D2';
  static final char PUNCTUATION = '\u00D3';
  static final char MARK = '\u00D4';
  static final char SYMBOL = '\u00D5';

  /** Stand-in of {@link #collapsedJoiningSpaces()} for a space before a letter. */
  static final char SPACE_BEFORE_LETTER = '\u00D6';

  /** Stand-in of {@link #plain()} for a letter of a cased script beyond the basic plane. */
  static final char CASED_SUPPLEMENTARY = '\uFFFE';

  private static final char OTHER_SUPPLEMENTARY = '\uFFFF';
  private static final char SPACE = '\u000B'; // what llama.cpp lets \s match for other white space

  final int[] codePoints;
  private @Nullable String collapsed;
  private @Nullable String joining;
  private @Nullable String plain;

  SplitText(int[] codePoints) {
    this.codePoints = codePoints;
  }

  int length() {
    return codePoints.length;
  }

  /** ASCII as it is, white space as a vertical tab, all else as a stand-in for its category. */
  String collapsed() {
    if (collapsed == null) {
      char[] chars = new char[codePoints.length];
      for (int i = 0; i < chars.length; i++) {
        chars[i] = collapse(codePoints[i]);
      }
      collapsed = new String(chars);
    }
    return collapsed;
  }

  /** As {@link #collapsed()}, with a stand-in for each space that a letter follows. */
  String collapsedJoiningSpaces() {
    if (joining == null) {
      char[] chars = collapsed().toCharArray();
      for (int i = 0; i + 1 < chars.length; i++) {
        boolean letterFollows = (CodePoints.flags(codePoints[i + 1]) & CodePoints.LETTER) != 0;
        if (chars[i] == ' ' && letterFollows) {
          chars[i] = SPACE_BEFORE_LETTER;
        }
      }
      joining = new String(chars);
    }
    return joining;
  }

  /** The characters themselves; stand-ins beyond the basic plane, and for other white space. */
  String plain() {
    if (plain == null) {
      char[] chars = new char[codePoints.length];
      for (int i = 0; i < chars.length; i++) {
        chars[i] = plain(codePoints[i]);
      }
      plain = new String(chars);
    }
    return plain;
  }

  private static char collapse(int c) {
    if (c < 0x80) {
      return (char) c;
    }
    int flags = CodePoints.flags(c);
    if ((flags & CodePoints.WHITESPACE) != 0) {
      return SPACE;
    }
    return switch (flags) {
      case CodePoints.LETTER -> LETTER;
      case CodePoints.NUMBER -> NUMBER;
      case CodePoints.PUNCTUATION -> PUNCTUATION;
      case CodePoints.MARK -> MARK;
      case CodePoints.SYMBOL -> SYMBOL;
      default -> OTHER;
    };
  }

  private static char plain(int c) {
    if (c < 0x80) {
      return (char) c;
    }
    if (c >= 0x10000) {
      return isCasedSupplementary(c) ? CASED_SUPPLEMENTARY : OTHER_SUPPLEMENTARY;
    }
    if ((CodePoints.flags(c) & CodePoints.WHITESPACE) != 0) {
      return SPACE;
    }
    return c == CASED_SUPPLEMENTARY ? OTHER_SUPPLEMENTARY : (char) c;
  }

  /** The supplementary letters that the deepseek-llm pre-tokenizer lists. */
  private static boolean isCasedSupplementary(int c) {
    return (c >= 0x10400 && c <= 0x1044F)
        || (c >= 0x104B0 && c <= 0x104D3)
        || (c >= 0x104D8 && c <= 0x104FB)
        || (c >= 0x10C80 && c <= 0x10CB2)
        || (c >= 0x10CC0 && c <= 0x10CF2)
        || (c >= 0x118A0 && c <= 0x118DF)
        || (c >= 0x1E900 && c <= 0x1E943);
  }
}
