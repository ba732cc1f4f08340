package io.ladon.coordinator.tokenizer;

import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Isolates the matches of a regular expression; what lies between two matches stays one part.
 *
 * <p>llama.cpp matches on a text in which each character beyond ASCII is collapsed to its category,
 * and so do we, to the same effect. Expressions must not repeat a group without a bound: the JDK
 * matches such a group recursively, and a long text would overflow the stack.
 */
final class RegexStep implements SplitStep {

  // What stands for a category in an expression over the collapsed text: its ASCII members and the
  // stand-in of all others. Usable inside brackets only.
  private static final String NUMBERS = "0-9" + SplitText.NUMBER;
  private static final String LETTERS = "A-Za-z" + SplitText.LETTER;
  private static final String MARKS = "" + SplitText.MARK;
  private static final String SYMBOLS = "$+<->\\^`|~" + SplitText.SYMBOL;
  private static final String PUNCTUATIONS =
      "!-#%-*,-/:;?@\\[\\]\\\\_\\{\\}" + SplitText.PUNCTUATION;

  private final Pattern pattern;
  private final Function<SplitText, String> view;

  private RegexStep(String regex, Function<SplitText, String> view) {
    pattern = Pattern.compile(regex);
    this.view = view;
  }

  /** An expression over the characters themselves. */
  static RegexStep plain(String regex) {
    return new RegexStep(regex, SplitText::plain);
  }

  /** An expression with Unicode categories, over the collapsed text. */
  static RegexStep collapsed(String regex) {
    return new RegexStep(expand(regex), SplitText::collapsed);
  }

  /** An expression over the collapsed text with a stand-in for each space before a letter. */
  static RegexStep joiningSpaces(String regex) {
    return new RegexStep(expand(regex), SplitText::collapsedJoiningSpaces);
  }

  @Override
  public void split(SplitText text, int start, int end, IntList ends) {
    Matcher matcher = pattern.matcher(view.apply(text)).region(start, end);
    int done = start;
    while (matcher.find()) {
      if (matcher.start() > done) {
        ends.add(matcher.start());
      }
      done = matcher.end();
      ends.add(done);
    }
    if (done < end) {
      ends.add(end);
    }
  }

  /** Replaces {@code \p{L}} and its like; llama.cpp takes all kinds of letters for letters. */
  private static String expand(String regex) {
    StringBuilder expanded = new StringBuilder();
    boolean inBrackets = false;
    for (int i = 0; i < regex.length(); i++) {
      char c = regex.charAt(i);
      if (regex.startsWith("\\p{", i)) {
        int close = regex.indexOf('}', i);
        String members = members(regex.substring(i + 3, close));
        expanded.append(inBrackets ? members : "[" + members + "]");
        i = close;
      } else if (c == '\\') {
        expanded.append(c).append(regex.charAt(++i));
      } else {
        inBrackets = c == '[' || (inBrackets && c != ']');
        expanded.append(c);
      }
    }
    return expanded.toString();
  }

  private static String members(String category) {
    return switch (category) {
      case "N" -> NUMBERS;
      case "L", "Lu", "Ll", "Lt", "Lm", "Lo" -> LETTERS;
      case "M" -> MARKS;
      case "P" -> PUNCTUATIONS;
      case "S" -> SYMBOLS;
      default -> throw new IllegalArgumentException("no such category: " + category);
    };
  }
}
