package io.ladon.coordinator.template;

import io.ladon.coordinator.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens. Follows Jinja 3 with {@code trim_blocks} and {@code lstrip_blocks},
 * as the transformers library sets them: a line break right after a block or comment is dropped,
 * and so is white space between the start of a line and a block or comment.
 */
final class Lexer {

  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private boolean lineStarting = true;
  private int positionAt; // where line and lineStart have been counted up to
  private int line = 1;
  private int lineStart;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokenize(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    if (source.endsWith("\n")) {
      source = source.substring(0, source.length() - 1);
    }
    Lexer lexer = new Lexer(source);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag(at);
      if (tag < 0) {
        data(at, source.length());
        at = source.length();
        break;
      }
      char kind = source.charAt(tag + 1);
      int inner = tag + 2;
      char sign = inner < source.length() ? source.charAt(inner) : ' ';
      boolean signed = sign == '-' || sign == '+';
      data(at, endOfText(tag, kind, sign));
      at = signed ? inner + 1 : inner;
      switch (kind) {
        case '#' -> comment(tag);
        case '{' -> expression(tag, Kind.VARIABLE_BEGIN, "}}", Kind.VARIABLE_END);
        default -> {
          if (!raw(tag)) {
            expression(tag, Kind.BLOCK_BEGIN, "%}", Kind.BLOCK_END);
          }
        }
      }
      lineStarting = at > 0 && source.charAt(at - 1) == '\n';
    }
    tokens.add(new Token(Kind.END, "", position(source.length())));
  }

  private int nextTag(int from) {
    for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
      char next = i + 1 < source.length() ? source.charAt(i + 1) : ' ';
      if (next == '{' || next == '%' || next == '#') {
        return i;
      }
    }
    return -1;
  }

  /** Where the text before a tag ends, after the white space that the tag swallows. */
  private int endOfText(int tag, char kind, char sign) {
    int end = tag;
    if (sign == '-') {
      while (end > at && PythonText.isSpace(source.charAt(end - 1))) {
        end--;
      }
    } else if (sign != '+' && kind != '{') {
      while (end > at
          && source.charAt(end - 1) != '\n'
          && PythonText.isSpace(source.charAt(end - 1))) {
        end--;
      }
      boolean lineStart = end > at ? source.charAt(end - 1) == '\n' : lineStarting;
      return lineStart ? end : tag;
    }
    return end;
  }

  private void data(int from, int to) {
    if (to > from) {
      tokens.add(new Token(Kind.DATA, source.substring(from, to), position(from)));
    }
  }

  private void comment(int tag) {
    int end = source.indexOf("#}", at);
    if (end < 0) {
      throw new TemplateException(position(tag), "this comment does not end");
    }
    char sign = end > at ? source.charAt(end - 1) : ' ';
    at = end + 2;
    afterTag(sign, true);
  }

  /** Skips what a tag swallows after it. */
  private void afterTag(char sign, boolean block) {
    if (sign == '-') {
      while (at < source.length() && PythonText.isSpace(source.charAt(at))) {
        at++;
      }
    } else if (block && sign != '+' && at < source.length() && source.charAt(at) == '\n') {
      at++;
    }
  }

  /** Reads {@code {% raw %} ... {% endraw %}}; false if this block is something else. */
  private boolean raw(int tag) {
    int i = word(at, "raw");
    if (i < 0) {
      return false;
    }
    char sign = i < source.length() ? source.charAt(i) : ' ';
    int close = sign == '-' ? i + 1 : i;
    if (!source.startsWith("%}", close)) {
      return false;
    }
    at = close + 2;
    afterTag(sign, false);
    for (int end = source.indexOf("{%", at); end >= 0; end = source.indexOf("{%", end + 1)) {
      char before = end + 2 < source.length() ? source.charAt(end + 2) : ' ';
      int name = word(before == '-' || before == '+' ? end + 3 : end + 2, "endraw");
      if (name < 0) {
        continue;
      }
      char after = name < source.length() ? source.charAt(name) : ' ';
      int last = after == '-' || after == '+' ? name + 1 : name;
      if (source.startsWith("%}", last)) {
        lineStarting = source.charAt(at - 1) == '\n';
        data(at, endOfText(end, '%', before));
        at = last + 2;
        afterTag(after, true);
        return true;
      }
    }
    throw new TemplateException(position(tag), "this raw block does not end");
  }

  /** The place after this word and the white space around it, or -1. */
  private int word(int from, String word) {
    int i = skipSpaces(from);
    return source.startsWith(word, i) ? skipSpaces(i + word.length()) : -1;
  }

  private int skipSpaces(int from) {
    int i = from;
    while (i < source.length() && PythonText.isSpace(source.charAt(i))) {
      i++;
    }
    return i;
  }

  private void expression(int tag, Kind begin, String close, Kind end) {
    tokens.add(new Token(begin, source.substring(tag, tag + 2), position(tag)));
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      at = skipSpaces(at);
      if (at >= source.length()) {
        throw new TemplateException(position(tag), "this tag does not end");
      }
      char c = source.charAt(at);
      if (open.isEmpty()) {
        boolean signed = c == '-' || (c == '+' && end == Kind.BLOCK_END);
        if (source.startsWith(close, signed ? at + 1 : at)) {
          tokens.add(new Token(end, close, position(at)));
          at += signed ? 3 : 2;
          afterTag(signed ? c : ' ', end == Kind.BLOCK_END);
          return;
        }
      }
      if (c == '"' || c == '\'') {
        string(c);
      } else if (c >= '0' && c <= '9') {
        number();
      } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
        name();
      } else {
        operator(open);
      }
    }
  }

  private void name() {
    int start = at;
    while (at < source.length()
        && (Character.isUnicodeIdentifierPart(source.charAt(at)) || source.charAt(at) == '_')) {
      at++;
    }
    tokens.add(new Token(Kind.NAME, source.substring(start, at), position(start)));
  }

  private void number() {
    int start = at;
    digits();
    boolean real = false;
    if (at + 1 < source.length() && source.charAt(at) == '.' && isDigit(source.charAt(at + 1))) {
      at++;
      digits();
      real = true;
    }
    if (at < source.length() && (source.charAt(at) == 'e' || source.charAt(at) == 'E')) {
      int exponent = at + 1;
      if (exponent < source.length() && "+-".indexOf(source.charAt(exponent)) >= 0) {
        exponent++;
      }
      if (exponent < source.length() && isDigit(source.charAt(exponent))) {
        at = exponent;
        digits();
        real = true;
      }
    }
    String text = source.substring(start, at).replace("_", "");
    tokens.add(new Token(real ? Kind.FLOAT : Kind.INTEGER, text, position(start)));
  }

  private void digits() {
    while (at < source.length() && (isDigit(source.charAt(at)) || source.charAt(at) == '_')) {
      at++;
    }
  }

  private void operator(Deque<Character> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        char c = operator.charAt(0);
        if (c == '(' || c == '[' || c == '{') {
          open.push(c);
        } else if (c == ')' || c == ']' || c == '}') {
          char wanted = c == ')' ? '(' : c == ']' ? '[' : '{';
          if (open.isEmpty() || open.pop() != wanted) {
            throw new TemplateException(position(at), "unexpected '" + c + "'");
          }
        }
        tokens.add(new Token(Kind.OPERATOR, operator, position(at)));
        at += operator.length();
        return;
      }
    }
    throw new TemplateException(
        position(at), "unexpected '" + Character.toString(source.codePointAt(at)) + "'");
  }

  private void string(char quote) {
    int start = at;
    StringBuilder value = new StringBuilder();
    for (at++; at < source.length() && source.charAt(at) != quote; at++) {
      char c = source.charAt(at);
      if (c == '\\' && at + 1 < source.length()) {
        at++;
        escape(value, start);
      } else {
        value.append(c);
      }
    }
    if (at >= source.length()) {
      throw new TemplateException(position(start), "this string does not end");
    }
    at++;
    tokens.add(new Token(Kind.STRING, value.toString(), position(start)));
  }

  /** Python's escapes; the cursor is on the character after the backslash. */
  private void escape(StringBuilder value, int start) {
    char c = source.charAt(at);
    switch (c) {
      case '\n' -> {} // a line that goes on
      case 'n' -> value.append('\n');
      case 't' -> value.append('\t');
      case 'r' -> value.append('\r');
      case 'b' -> value.append('\b');
      case 'f' -> value.append('\f');
      case 'a' -> value.append('\u0007');
      case 'v' -> value.append('\u000b');
      case '\\', '\'', '"' -> value.append(c);
      case 'x' -> hex(value, 2, start);
      case 'u' -> hex(value, 4, start);
      case 'U' -> hex(value, 8, start);
      case '0', '1', '2', '3', '4', '5', '6', '7' -> octal(value);
      default -> value.append('\\').append(c);
    }
  }

  private void hex(StringBuilder value, int digits, int start) {
    try {
      value.appendCodePoint(Integer.parseInt(source, at + 1, at + 1 + digits, 16));
      at += digits;
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new TemplateException(position(start), "this string has a bad escape");
    }
  }

  private void octal(StringBuilder value) {
    int code = 0;
    int first = at;
    while (at < source.length()
        && at < first + 3
        && source.charAt(at) >= '0'
        && source.charAt(at) <= '7') {
      code = code * 8 + source.charAt(at++) - '0';
    }
    at--;
    value.append((char) code);
  }

  private Position position(int index) {
    if (index < positionAt) {
      positionAt = 0;
      line = 1;
      lineStart = 0;
    }
    for (; positionAt < index; positionAt++) {
      if (source.charAt(positionAt) == '\n') {
        line++;
        lineStart = positionAt + 1;
      }
    }
    return new Position(line, index - lineStart + 1);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
