package io.ladon.coordinator.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.ZonedDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Python's three little languages for formats: {@code %}, {@code str.format}, strftime. */
final class PythonFormat {

  private static final Pattern PERCENT =
      Pattern.compile("%(?:\\((\\w+)\\))?([-+ 0]*)(\\d{1,4})?(?:\\.(\\d{1,3}))?([sdifrx%])");
  private static final Pattern BRACES = Pattern.compile("\\{\\{|}}|\\{(\\w*)}");

  private PythonFormat() {}

  /** {@code "..." % arguments}: a tuple gives several, a mapping gives named ones. */
  static String percent(String format, @Nullable Object arguments, Budget budget) {
    List<?> values =
        arguments instanceof Tuple tuple ? tuple : java.util.Collections.singletonList(arguments);
    Matcher matcher = PERCENT.matcher(format);
    StringBuilder out = new StringBuilder();
    int end = 0;
    int used = 0;
    while (matcher.find()) {
      literal(format, end, matcher.start(), out);
      end = matcher.end();
      if (matcher.group(5).equals("%")) {
        out.append('%');
        continue;
      }
      Object value;
      if (matcher.group(1) != null) {
        value = arguments instanceof Map<?, ?> map ? map.get(matcher.group(1)) : null;
      } else if (used < values.size()) {
        value = values.get(used++);
      } else {
        throw new EvaluationException("not enough arguments for the format string");
      }
      String text = conversion(matcher, value);
      budget.characters(text.length());
      out.append(text);
    }
    literal(format, end, format.length(), out);
    if (used < values.size() && !(arguments instanceof Map)) {
      throw new EvaluationException("not all arguments were used by the format string");
    }
    return out.toString();
  }

  private static void literal(String format, int from, int to, StringBuilder out) {
    if (format.substring(from, to).indexOf('%') >= 0) {
      throw new EvaluationException("unsupported format '" + format + "'");
    }
    out.append(format, from, to);
  }

  private static String conversion(Matcher matcher, @Nullable Object value) {
    String flags = matcher.group(2);
    int width = matcher.group(3) == null ? 0 : Integer.parseInt(matcher.group(3));
    int precision = matcher.group(4) == null ? -1 : Integer.parseInt(matcher.group(4));
    char kind = matcher.group(5).charAt(0);
    if (kind == 's' || kind == 'r') {
      String text = kind == 's' ? PythonText.str(value) : PythonText.repr(value);
      if (precision >= 0 && precision < text.length()) {
        text = text.substring(0, precision);
      }
      String padding = " ".repeat(Math.max(0, width - text.length()));
      return flags.contains("-") ? text + padding : padding + text;
    }
    if (value == null || !Operators.isNumber(value)) {
      throw new EvaluationException(
          "%" + kind + " needs a number, not " + PythonText.typeName(value));
    }
    String digits = number(kind, precision, value);
    if (!digits.startsWith("-") && flags.contains("+")) {
      digits = "+" + digits;
    } else if (!digits.startsWith("-") && flags.contains(" ")) {
      digits = " " + digits;
    }
    int missing = Math.max(0, width - digits.length());
    if (flags.contains("-")) {
      return digits + " ".repeat(missing);
    }
    if (flags.contains("0")) {
      int sign = "+- ".indexOf(digits.charAt(0)) >= 0 ? 1 : 0;
      return digits.substring(0, sign) + "0".repeat(missing) + digits.substring(sign);
    }
    return " ".repeat(missing) + digits;
  }

  private static String number(char kind, int precision, Object value) {
    double real = value instanceof Boolean b ? (b ? 1 : 0) : ((Number) value).doubleValue();
    if (kind == 'f') {
      int places = precision < 0 ? 6 : precision;
      return new BigDecimal(real).setScale(places, RoundingMode.HALF_EVEN).toPlainString();
    }
    long whole = value instanceof Long number ? number : (long) real;
    return kind == 'x' ? Long.toHexString(whole) : Long.toString(whole);
  }

  /** {@code "...".format(...)}, without format specifications. */
  static String braces(String format, CallArguments arguments, Budget budget) {
    Matcher matcher = BRACES.matcher(format);
    StringBuilder out = new StringBuilder();
    int end = 0;
    int used = 0;
    while (matcher.find()) {
      plain(format, end, matcher.start(), out);
      end = matcher.end();
      String field = matcher.group(1);
      if (field == null) {
        out.append(matcher.group().charAt(0));
        continue;
      }
      int index = field.isEmpty() ? used++ : field.matches("\\d{1,4}") ? parse(field) : -1;
      Object value;
      if (index < 0 && arguments.named().containsKey(field)) {
        value = arguments.named().get(field);
      } else if (index >= 0 && index < arguments.positional().size()) {
        value = arguments.positional().get(index);
      } else {
        throw new EvaluationException("format() lacks the argument '" + field + "'");
      }
      String text = PythonText.str(value);
      budget.characters(out.length() + text.length());
      out.append(text);
    }
    plain(format, end, format.length(), out);
    return out.toString();
  }

  private static int parse(String digits) {
    return Integer.parseInt(digits);
  }

  private static void plain(String format, int from, int to, StringBuilder out) {
    String part = format.substring(from, to);
    if (part.indexOf('{') >= 0 || part.indexOf('}') >= 0) {
      throw new EvaluationException("unsupported format '" + format + "'");
    }
    out.append(part);
  }

  /** C's strftime in the C locale, as far as templates use it. */
  static String time(String format, ZonedDateTime time) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        out.append(c);
        continue;
      }
      char directive = format.charAt(++i);
      boolean unpadded = directive == '-' && i + 1 < format.length();
      if (unpadded) {
        directive = format.charAt(++i);
      }
      String text = directive(directive, time);
      out.append(unpadded ? text.replaceFirst("^0+(?=\\d)", "") : text);
    }
    return out.toString();
  }

  private static String directive(char directive, ZonedDateTime time) {
    return switch (directive) {
      case 'Y' -> Integer.toString(time.getYear());
      case 'y' -> padded(time.getYear() % 100, 2);
      case 'm' -> padded(time.getMonthValue(), 2);
      case 'd' -> padded(time.getDayOfMonth(), 2);
      case 'e' -> String.format(Locale.ROOT, "%2d", time.getDayOfMonth());
      case 'B' -> time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'b', 'h' ->
          time.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
      case 'A' -> time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
      case 'a' ->
          time.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3);
      case 'H' -> padded(time.getHour(), 2);
      case 'I' -> padded(time.get(ChronoField.CLOCK_HOUR_OF_AMPM), 2);
      case 'M' -> padded(time.getMinute(), 2);
      case 'S' -> padded(time.getSecond(), 2);
      case 'f' -> padded(time.getNano() / 1000, 6);
      case 'p' -> time.getHour() < 12 ? "AM" : "PM";
      case 'j' -> padded(time.getDayOfYear(), 3);
      case 'u' -> Integer.toString(time.getDayOfWeek().getValue());
      case 'w' -> Integer.toString(time.getDayOfWeek().getValue() % 7);
      case 'F' -> time("%Y-%m-%d", time);
      case 'T' -> time("%H:%M:%S", time);
      case 'R' -> time("%H:%M", time);
      case 'D', 'x' -> time("%m/%d/%y", time);
      case 'X' -> time("%H:%M:%S", time);
      case 'c' -> time("%a %b %e %H:%M:%S %Y", time);
      case 'Z', 'z' -> "";
      case 'n' -> "\n";
      case 't' -> "\t";
      case '%' -> "%";
      default -> throw new EvaluationException("strftime does not know '%" + directive + "'");
    };
  }

  private static String padded(int number, int digits) {
    return String.format(Locale.ROOT, "%0" + digits + "d", number);
  }
}
