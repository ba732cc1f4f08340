package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The evaluated arguments of a call. */
record CallArguments(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {

  /** Checks that there are no arguments but these. */
  CallArguments bind(String... names) {
    if (positional.size() > names.length) {
      throw new EvaluationException(
          "takes at most " + names.length + " arguments, got " + positional.size());
    }
    List<String> known = Arrays.asList(names);
    for (String name : named.keySet()) {
      if (!known.contains(name)) {
        throw new EvaluationException("has no argument '" + name + "'");
      }
    }
    return this;
  }

  boolean has(int index, String name) {
    return index < positional.size() || named.containsKey(name);
  }

  @Nullable Object get(int index, String name, @Nullable Object fallback) {
    return index < positional.size() ? positional.get(index) : named.getOrDefault(name, fallback);
  }

  @Nullable Object require(int index, String name) {
    if (!has(index, name)) {
      throw new EvaluationException("lacks the argument '" + name + "'");
    }
    return get(index, name, null);
  }

  boolean truth(int index, String name, boolean fallback) {
    return Operators.truth(get(index, name, fallback));
  }

  int integer(int index, String name, int fallback) {
    Object value = get(index, name, (long) fallback);
    long number = Operators.integer(value, "the argument '" + name + "'");
    return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, number));
  }

  String string(int index, String name, String fallback) {
    return string(get(index, name, fallback), name);
  }

  String requireString(int index, String name) {
    return string(require(index, name), name);
  }

  /** A string, or null where the argument is absent or none. */
  @Nullable String stringOrNull(int index, String name) {
    Object value = get(index, name, null);
    return value == null ? null : string(value, name);
  }

  private static String string(@Nullable Object value, String name) {
    if (value instanceof String text) {
      return text;
    }
    throw new EvaluationException(
        "the argument '" + name + "' must be a string, not " + PythonText.typeName(value));
  }

  /** These arguments without the first positional ones. */
  CallArguments from(int index) {
    List<@Nullable Object> rest =
        new ArrayList<>(positional.subList(Math.min(index, positional.size()), positional.size()));
    return new CallArguments(rest, named);
  }
}
