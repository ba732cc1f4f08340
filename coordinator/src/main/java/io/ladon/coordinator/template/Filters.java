package io.ladon.coordinator.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The filters: {@code value | name(arguments)}. */
final class Filters {

  private Filters() {}

  static @Nullable Object apply(
      String name, @Nullable Object value, CallArguments arguments, Evaluator evaluator) {
    Budget budget = evaluator.budget();
    return switch (name) {
      case "default", "d" -> {
        arguments.bind("default_value", "boolean");
        boolean missing =
            value instanceof Undefined
                || (arguments.truth(1, "boolean", false) && !Operators.truth(value));
        yield missing ? arguments.get(0, "default_value", "") : value;
      }
      case "tojson" -> JsonText.of(value, arguments, budget);
      case "string" -> PythonText.str(value);
      case "safe" -> value;
      case "length", "count" -> length(value);
      case "attr" -> evaluator.attribute(value, arguments.requireString(0, "name"));
      case "items" -> {
        if (value instanceof Map<?, ?> map) {
          yield Methods.items(map);
        }
        if (value instanceof Undefined) {
          yield List.of();
        }
        throw new EvaluationException("needs a dict, not " + PythonText.typeName(value));
      }
      case "int", "float", "abs", "round" -> number(name, value, arguments);
      case "upper",
          "lower",
          "title",
          "capitalize",
          "trim",
          "replace",
          "indent",
          "escape",
          "e",
          "forceescape",
          "center",
          "wordcount",
          "truncate",
          "urlencode",
          "format",
          "striptags",
          "pprint" ->
          text(name, value, arguments, budget);
      default -> SequenceFilters.apply(name, value, arguments, evaluator);
    };
  }

  static long length(@Nullable Object value) {
    return switch (value) {
      case String text -> Texts.length(text);
      case List<?> list -> list.size();
      case Map<?, ?> map -> map.size();
      case Undefined undefined -> 0;
      case null, default ->
          throw new EvaluationException(PythonText.typeName(value) + " has no length");
    };
  }

  private static Object text(
      String name, @Nullable Object value, CallArguments arguments, Budget budget) {
    String text = PythonText.str(value);
    budget.characters(text.length());
    return switch (name) {
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> Texts.capitalize(text);
      case "title" ->
          Texts.title(text, c -> PythonText.isSpace((char) c) || "-({[<".indexOf(c) >= 0);
      case "trim" -> Texts.strip(text, arguments.stringOrNull(0, "chars"), true, true);
      case "replace" -> {
        arguments.bind("old", "new", "count");
        Object count = arguments.get(2, "count", null);
        yield Texts.replace(
            text,
            PythonText.str(arguments.require(0, "old")),
            PythonText.str(arguments.require(1, "new")),
            count == null ? -1 : arguments.integer(2, "count", -1),
            budget);
      }
      case "indent" -> indent(text, arguments, budget);
      case "escape", "e", "forceescape" -> Texts.escapeHtml(text);
      case "center" -> Texts.center(text, arguments.integer(0, "width", 80), true, true, budget);
      case "wordcount" -> (long) text.split("\\W+").length;
      case "truncate" -> truncate(text, arguments);
      case "urlencode" ->
          URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
      case "format" -> {
        Object values =
            arguments.named().isEmpty() ? new Tuple(arguments.positional()) : arguments.named();
        yield PythonFormat.percent(text, values, budget);
      }
      case "striptags" -> String.join(" ", text.replaceAll("<[^>]*>", "").strip().split("\\s+"));
      default -> PythonText.repr(value);
    };
  }

  private static String indent(String text, CallArguments arguments, Budget budget) {
    arguments.bind("width", "first", "blank");
    String indention =
        arguments.get(0, "width", null) instanceof String given
            ? given
            : " ".repeat(Math.clamp(arguments.integer(0, "width", 4), 0, 1000));
    boolean blank = arguments.truth(2, "blank", false);
    StringBuilder out = new StringBuilder();
    if (arguments.truth(1, "first", false)) {
      out.append(indention);
    }
    String separator = "";
    for (Object line : Texts.lines(text + "\n", false)) {
      budget.characters(indention.length());
      String content = (String) line;
      boolean indented = !separator.isEmpty() && (blank || (content != null && !content.isEmpty()));
      out.append(separator).append(indented ? indention : "").append(content);
      separator = "\n";
    }
    return out.toString();
  }

  private static String truncate(String text, CallArguments arguments) {
    arguments.bind("length", "killwords", "end", "leeway");
    int length = Math.max(0, arguments.integer(0, "length", 255));
    String end = arguments.string(2, "end", "...");
    int leeway = arguments.integer(3, "leeway", 5);
    if (text.length() <= length + leeway) {
      return text;
    }
    String kept = text.substring(0, Math.max(0, length - end.length()));
    if (arguments.truth(1, "killwords", false)) {
      return kept + end;
    }
    int space = kept.lastIndexOf(' ');
    return (space < 0 ? kept : kept.substring(0, space)) + end;
  }

  private static Object number(String name, @Nullable Object value, CallArguments arguments) {
    return switch (name) {
      case "int" -> toInteger(value, arguments);
      case "float" -> {
        Double real = toReal(value);
        Object fallback = arguments.get(0, "default", 0.0);
        yield real != null ? real : fallback == null ? 0.0 : fallback;
      }
      case "abs" ->
          switch (value) {
            case Long number -> Math.abs(number);
            case Double number -> Math.abs(number);
            case null, default ->
                throw new EvaluationException("needs a number, not " + PythonText.typeName(value));
          };
      default -> round(value, arguments);
    };
  }

  private static Object toInteger(@Nullable Object value, CallArguments arguments) {
    if (value instanceof Long) {
      return value;
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (value instanceof String text) {
      try {
        return Long.valueOf(text.strip().replace("_", ""), arguments.integer(1, "base", 10));
      } catch (NumberFormatException e) {
        // perhaps a number with a fraction
      }
    }
    Double real = toReal(value);
    if (real != null && Math.abs(real) < 0x1p63) {
      return (long) (double) real;
    }
    Object fallback = arguments.get(0, "default", 0L);
    return fallback == null ? 0L : fallback;
  }

  private static @Nullable Double toReal(@Nullable Object value) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof Boolean b) {
      return b ? 1.0 : 0.0;
    }
    if (value instanceof String text && text.strip().matches("[-+]?[0-9.]+([eE][-+]?\\d+)?")) {
      try {
        return Double.valueOf(text.strip());
      } catch (NumberFormatException e) {
        return null;
      }
    }
    return null;
  }

  private static Object round(@Nullable Object value, CallArguments arguments) {
    arguments.bind("precision", "method");
    int precision = Math.clamp(arguments.integer(0, "precision", 0), -300, 300);
    String method = arguments.string(1, "method", "common");
    Double real = value instanceof String ? null : toReal(value);
    if (real == null || real.isNaN() || real.isInfinite()) {
      throw new EvaluationException("cannot round " + PythonText.typeName(value));
    }
    double scale = Math.pow(10, precision);
    return switch (method) {
      case "common" -> {
        if (value instanceof Long && precision >= 0) {
          yield value;
        }
        BigDecimal rounded = new BigDecimal(real).setScale(precision, RoundingMode.HALF_EVEN);
        yield value instanceof Long ? (Object) rounded.longValue() : rounded.doubleValue();
      }
      case "ceil" -> Math.ceil(real * scale) / scale;
      case "floor" -> Math.floor(real * scale) / scale;
      default -> throw new EvaluationException("no such method of rounding: " + method);
    };
  }
}
