package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Operations on strings that Python has and Java has not quite. */
final class Texts {

  private Texts() {}

  static String strip(String text, @Nullable String characters, boolean left, boolean right) {
    int start = 0;
    int end = text.length();
    while (left && start < end && strips(text.charAt(start), characters)) {
      start++;
    }
    while (right && end > start && strips(text.charAt(end - 1), characters)) {
      end--;
    }
    return text.substring(start, end);
  }

  private static boolean strips(char c, @Nullable String characters) {
    return characters == null ? PythonText.isSpace(c) : characters.indexOf(c) >= 0;
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  /** Upper case for each character that {@code starts} a word by the one before it. */
  static String title(String text, IntPredicate endsWord) {
    StringBuilder out = new StringBuilder();
    boolean start = true;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      String character = Character.toString(c);
      out.append(start ? character.toUpperCase(Locale.ROOT) : character.toLowerCase(Locale.ROOT));
      start = endsWord.test(c);
      i += Character.charCount(c);
    }
    return out.toString();
  }

  /** At most {@code most} replacements; a negative number means all. */
  static String replace(String text, String old, String with, int most, Budget budget) {
    if (old.isEmpty()) {
      throw new EvaluationException("replace() of an empty text");
    }
    budget.characters(text.length());
    long count = 0;
    for (int at = text.indexOf(old); at >= 0; at = text.indexOf(old, at + old.length())) {
      count++;
    }
    count = most < 0 ? count : Math.min(count, most);
    budget.characters(text.length() + count * (with.length() - old.length()));
    StringBuilder out = new StringBuilder();
    int done = 0;
    for (; count > 0; count--) {
      int match = text.indexOf(old, done);
      out.append(text, done, match).append(with);
      done = match + old.length();
    }
    return out.append(text, done, text.length()).toString();
  }

  static List<@Nullable Object> split(String text, @Nullable String separator, int most) {
    List<@Nullable Object> parts = new ArrayList<>();
    if (separator != null) {
      if (separator.isEmpty()) {
        throw new EvaluationException("an empty separator");
      }
      int from = 0;
      int match = text.indexOf(separator);
      while (match >= 0 && (most < 0 || parts.size() < most)) {
        parts.add(text.substring(from, match));
        from = match + separator.length();
        match = text.indexOf(separator, from);
      }
      parts.add(text.substring(from));
      return parts;
    }
    int at = skipSpaces(text, 0);
    while (at < text.length()) {
      int end = at;
      while (end < text.length() && !PythonText.isSpace(text.charAt(end))) {
        end++;
      }
      if (most >= 0 && parts.size() == most) {
        parts.add(strip(text.substring(at), null, false, true));
        return parts;
      }
      parts.add(text.substring(at, end));
      at = skipSpaces(text, end);
    }
    return parts;
  }

  private static int skipSpaces(String text, int from) {
    int at = from;
    while (at < text.length() && PythonText.isSpace(text.charAt(at))) {
      at++;
    }
    return at;
  }

  static List<@Nullable Object> splitFromRight(String text, @Nullable String separator, int most) {
    if (most < 0) {
      return split(text, separator, most);
    }
    if (separator == null || separator.isEmpty()) {
      throw new EvaluationException("rsplit() needs a separator");
    }
    List<@Nullable Object> parts = new ArrayList<>();
    int end = text.length();
    while (parts.size() < most) {
      int match = text.lastIndexOf(separator, end - separator.length());
      if (match < 0 || end < separator.length()) {
        break;
      }
      parts.addFirst(text.substring(match + separator.length(), end));
      end = match;
    }
    parts.addFirst(text.substring(0, end));
    return parts;
  }

  static List<@Nullable Object> lines(String text, boolean keepEnds) {
    List<@Nullable Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean ends =
          (c >= '\n' && c <= '\r')
              || (c >= 0x1c && c <= 0x1e)
              || c == 0x85
              || c == 0x2028
              || c == 0x2029;
      if (!ends) {
        continue;
      }
      int next = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
      lines.add(text.substring(start, keepEnds ? next : i));
      start = next;
      i = next - 1;
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  static String center(String text, int width, boolean left, boolean right, Budget budget) {
    int missing = width - text.codePointCount(0, text.length());
    if (missing <= 0) {
      return text;
    }
    budget.characters(width);
    int before = !left ? 0 : !right ? missing : missing / 2 + (missing & width & 1);
    return " ".repeat(before) + text + " ".repeat(missing - before);
  }

  static String escapeHtml(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace("\"", "&#34;");
  }

  /** Length in code points. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
