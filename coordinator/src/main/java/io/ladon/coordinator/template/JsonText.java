package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code tojson}, as the transformers library defines it: Python's {@code json.dumps}
 * with {@code ensure_ascii=False}, in the order of the mapping, nothing escaped for HTML.
 */
final class JsonText {

  private final boolean ascii;
  private final @Nullable String indent; // null: all on one line
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sorted;
  private final StringBuilder out = new StringBuilder();
  private final Budget budget;

  private JsonText(CallArguments arguments, Budget budget) {
    this.budget = budget;
    arguments.bind("ensure_ascii", "indent", "separators", "sort_keys");
    ascii = arguments.truth(0, "ensure_ascii", false);
    indent =
        switch (arguments.get(1, "indent", null)) {
          case null -> null;
          case String text -> text;
          case Long width -> " ".repeat((int) Math.max(0, Math.min(width, 1000)));
          default -> throw new EvaluationException("indent must be a number or a string");
        };
    List<String> separators = new ArrayList<>();
    if (arguments.get(2, "separators", null) instanceof List<?> given) {
      for (Object separator : given) {
        separators.add(PythonText.str(separator));
      }
    }
    boolean given = separators.size() == 2;
    itemSeparator = given ? separators.get(0) : indent == null ? ", " : ",";
    keySeparator = given ? separators.get(1) : ": ";
    sorted = arguments.truth(3, "sort_keys", false);
  }

  static String of(@Nullable Object value, CallArguments arguments, Budget budget) {
    JsonText json = new JsonText(arguments, budget);
    json.write(value, 0);
    return json.out.toString();
  }

  private void write(@Nullable Object value, int depth) {
    budget.step();
    budget.characters(out.length() / 1024);
    switch (value) {
      case null -> out.append("null");
      case Boolean b -> out.append(b.booleanValue());
      case Double number -> out.append(number(number));
      case Number number -> out.append(number);
      case String text -> {
        budget.characters(text.length());
        quote(text);
      }
      case List<?> list -> list(list, depth);
      case Map<?, ?> map -> map(map, depth);
      default ->
          throw new EvaluationException(PythonText.typeName(value) + " cannot be written as JSON");
    }
  }

  private static String number(double number) {
    if (Double.isNaN(number)) {
      return "NaN";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "Infinity" : "-Infinity";
    }
    return PythonText.real(number);
  }

  private void list(List<?> list, int depth) {
    if (list.isEmpty()) {
      out.append("[]");
      return;
    }
    out.append('[');
    String separator = "";
    for (Object item : list) {
      out.append(separator);
      newLine(depth + 1);
      write(item, depth + 1);
      separator = itemSeparator;
    }
    newLine(depth);
    out.append(']');
  }

  private void map(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (sorted) {
      entries.sort(Comparator.comparing(Map.Entry::getKey, Operators::compare));
    }
    out.append('{');
    String separator = "";
    for (Map.Entry<?, ?> entry : entries) {
      out.append(separator);
      newLine(depth + 1);
      quote(key(entry.getKey()));
      out.append(keySeparator);
      write(entry.getValue(), depth + 1);
      separator = itemSeparator;
    }
    newLine(depth);
    out.append('}');
  }

  private static String key(@Nullable Object key) {
    return switch (key) {
      case null -> "null";
      case Boolean b -> b.toString();
      default -> PythonText.str(key);
    };
  }

  private void newLine(int depth) {
    if (indent != null) {
      budget.characters((long) indent.length() * depth);
      out.append('\n').repeat(indent, depth);
    }
  }

  private void quote(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c < 0x20 || (ascii && c > 0x7e)) {
            out.append("\\u").append(PythonText.hex(c, 4));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
