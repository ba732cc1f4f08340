package io.ladon.coordinator.template;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How Python writes values: {@code str()} and {@code repr()}. */
final class PythonText {

  private PythonText() {}

  static String typeName(@Nullable Object value) {
    return switch (value) {
      case null -> "None";
      case Undefined undefined -> "an undefined value";
      case Boolean b -> "a bool";
      case Long number -> "an int";
      case Number number -> "a float";
      case String text -> "a string";
      case Tuple tuple -> "a tuple";
      case List<?> list -> "a list";
      case Map<?, ?> map -> "a dict";
      case Namespace namespace -> "a namespace";
      case LoopState loop -> "a loop";
      default -> "a function";
    };
  }

  static String str(@Nullable Object value) {
    return switch (value) {
      case String text -> text;
      case Undefined undefined -> "";
      case null, default -> repr(value);
    };
  }

  static String repr(@Nullable Object value) {
    StringBuilder out = new StringBuilder();
    repr(value, out);
    return out.toString();
  }

  private static void repr(@Nullable Object value, StringBuilder out) {
    switch (value) {
      case null -> out.append("None");
      case Undefined undefined -> out.append("Undefined");
      case Boolean b -> out.append(b ? "True" : "False");
      case Double number -> out.append(real(number));
      case Number number -> out.append(number);
      case String text -> reprText(text, out);
      case Tuple tuple -> reprTuple(tuple, out);
      case List<?> list -> {
        out.append('[');
        reprItems(list, out);
        out.append(']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(separator);
          repr(entry.getKey(), out);
          out.append(": ");
          repr(entry.getValue(), out);
          separator = ", ";
        }
        out.append('}');
      }
      default -> out.append('<').append(typeName(value).replace("a ", "")).append('>');
    }
  }

  private static void reprTuple(Tuple tuple, StringBuilder out) {
    out.append('(');
    reprItems(tuple, out);
    out.append(tuple.size() == 1 ? ",)" : ")");
  }

  private static void reprItems(List<?> list, StringBuilder out) {
    String separator = "";
    for (Object item : list) {
      out.append(separator);
      repr(item, out);
      separator = ", ";
    }
  }

  private static void reprText(String text, StringBuilder out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    text.codePoints().forEach(c -> reprCharacter(c, quote, out));
    out.append(quote);
  }

  private static void reprCharacter(int c, char quote, StringBuilder out) {
    if (c == quote || c == '\\') {
      out.append('\\').append((char) c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (isPrintable(c)) {
      out.appendCodePoint(c);
    } else if (c < 0x100) {
      out.append("\\x").append(hex(c, 2));
    } else if (c < 0x10000) {
      out.append("\\u").append(hex(c, 4));
    } else {
      out.append("\\U").append(hex(c, 8));
    }
  }

  static String hex(int c, int digits) {
    String hex = Integer.toHexString(c);
    return "0".repeat(Math.max(0, digits - hex.length())) + hex;
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** The shortest digits that give back the number; an exponent below 1e-4 and from 1e16 on. */
  static String real(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    double size = Math.abs(number);
    if (size == 0 || (size >= 1e-4 && size < 1e16)) {
      String plain = new BigDecimal(Double.toString(number)).stripTrailingZeros().toPlainString();
      String text = plain.contains(".") ? plain : plain + ".0";
      return number == 0 && 1 / number < 0 ? "-0.0" : text;
    }
    BigDecimal decimal = new BigDecimal(Double.toString(number)).stripTrailingZeros();
    String digits = decimal.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - decimal.scale();
    String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    String sign = exponent < 0 ? "-" : "+";
    int absolute = Math.abs(exponent);
    return (number < 0 ? "-" : "") + mantissa + "e" + sign + (absolute < 10 ? "0" : "") + absolute;
  }

  /** Python's {@code str.isspace} of a character of the basic plane. */
  static boolean isSpace(char c) {
    return c == ' '
        || (c >= '\t' && c <= '\r')
        || (c >= 0x1c && c <= 0x1f)
        || (c >= 0x80 && (c == 0x85 || Character.isSpaceChar(c)));
  }
}
