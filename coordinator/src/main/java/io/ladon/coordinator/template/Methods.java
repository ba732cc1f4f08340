package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The methods of strings, lists and mappings that change nothing. */
final class Methods {

  private Methods() {}

  /** A method bound to its object, or null if there is none of this name. */
  static @Nullable Callable of(@Nullable Object object, String name, Budget budget) {
    return switch (object) {
      case String text -> text(text, name, budget);
      case Map<?, ?> map -> map(map, name);
      case List<?> list -> list(list, name);
      case null, default -> null;
    };
  }

  private static @Nullable Callable map(Map<?, ?> map, String name) {
    return switch (name) {
      case "keys" -> arguments -> new ArrayList<@Nullable Object>(map.keySet());
      case "values" -> arguments -> new ArrayList<@Nullable Object>(map.values());
      case "items" -> arguments -> items(map);
      case "copy" -> arguments -> new LinkedHashMap<Object, @Nullable Object>(map);
      case "get" ->
          arguments -> {
            arguments.bind("key", "default");
            Object key = arguments.require(0, "key");
            return key != null && map.containsKey(key)
                ? map.get(key)
                : arguments.get(1, "default", null);
          };
      case "pop", "update", "setdefault", "clear", "popitem" -> refused(name);
      default -> null;
    };
  }

  static List<@Nullable Object> items(Map<?, ?> map) {
    List<@Nullable Object> items = new ArrayList<>();
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private static @Nullable Callable list(List<?> list, String name) {
    return switch (name) {
      case "index" ->
          arguments -> {
            Object wanted = arguments.require(0, "value");
            for (int i = 0; i < list.size(); i++) {
              if (Operators.equal(list.get(i), wanted)) {
                return (long) i;
              }
            }
            throw new EvaluationException("the value is not in the list");
          };
      case "count" ->
          arguments -> {
            Object wanted = arguments.require(0, "value");
            return list.stream().filter(item -> Operators.equal(item, wanted)).count();
          };
      case "copy" -> arguments -> new ArrayList<@Nullable Object>(list);
      case "append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear" ->
          refused(name);
      default -> null;
    };
  }

  /** As the sandbox does in which the transformers library runs templates. */
  private static Callable refused(String name) {
    return arguments -> {
      throw new EvaluationException("'" + name + "' changes its object, which is not allowed");
    };
  }

  private static @Nullable Callable text(String text, String name, Budget budget) {
    return switch (name) {
      case "strip", "lstrip", "rstrip" ->
          arguments ->
              Texts.strip(
                  text,
                  arguments.bind("chars").stringOrNull(0, "chars"),
                  !name.equals("rstrip"),
                  !name.equals("lstrip"));
      case "split" ->
          arguments -> {
            arguments.bind("sep", "maxsplit");
            budget.spend(text.length());
            return Texts.split(
                text, arguments.stringOrNull(0, "sep"), arguments.integer(1, "maxsplit", -1));
          };
      case "rsplit" ->
          arguments -> {
            arguments.bind("sep", "maxsplit");
            budget.spend(text.length());
            return Texts.splitFromRight(
                text, arguments.stringOrNull(0, "sep"), arguments.integer(1, "maxsplit", -1));
          };
      case "splitlines" ->
          arguments -> {
            budget.spend(text.length());
            return Texts.lines(text, arguments.bind("keepends").truth(0, "keepends", false));
          };
      case "replace" ->
          arguments -> {
            arguments.bind("old", "new", "count");
            return Texts.replace(
                text,
                arguments.requireString(0, "old"),
                arguments.requireString(1, "new"),
                arguments.integer(2, "count", -1),
                budget);
          };
      case "join" ->
          arguments ->
              SequenceFilters.join(
                  Operators.iterate(arguments.require(0, "iterable"), budget), text, true, budget);
      case "format" -> arguments -> PythonFormat.braces(text, arguments, budget);
      case "startswith", "endswith" ->
          arguments -> affix(text, name, arguments.require(0, "prefix"));
      case "find", "rfind", "index", "rindex" ->
          arguments -> find(text, name, arguments.requireString(0, "sub"));
      case "count" -> arguments -> count(text, arguments.requireString(0, "sub"));
      default -> changedText(text, name, budget);
    };
  }

  private static @Nullable Callable changedText(String text, String name, Budget budget) {
    return switch (name) {
      case "upper" -> arguments -> text.toUpperCase(Locale.ROOT);
      case "lower", "casefold" -> arguments -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> arguments -> Texts.capitalize(text);
      case "title" -> arguments -> Texts.title(text, c -> !Character.isLetter(c));
      case "removeprefix" ->
          arguments -> {
            String prefix = arguments.requireString(0, "prefix");
            return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
          };
      case "removesuffix" ->
          arguments -> {
            String suffix = arguments.requireString(0, "suffix");
            return text.endsWith(suffix)
                ? text.substring(0, text.length() - suffix.length())
                : text;
          };
      case "partition", "rpartition" ->
          arguments -> partition(text, arguments.requireString(0, "sep"), name.startsWith("r"));
      case "center", "ljust", "rjust" ->
          arguments ->
              Texts.center(
                  text,
                  arguments.integer(0, "width", 0),
                  !name.equals("ljust"),
                  !name.equals("rjust"),
                  budget);
      case "zfill" ->
          arguments -> {
            int missing = arguments.integer(0, "width", 0) - text.length();
            budget.characters(Math.max(0, missing));
            int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
            return text.substring(0, sign)
                + "0".repeat(Math.max(0, missing))
                + text.substring(sign);
          };
      case "isdigit", "isnumeric", "isdecimal" -> arguments -> all(text, c -> Character.isDigit(c));
      case "isalpha" -> arguments -> all(text, Character::isLetter);
      case "isalnum" -> arguments -> all(text, Character::isLetterOrDigit);
      case "isspace" -> arguments -> all(text, c -> PythonText.isSpace((char) c));
      case "isupper" -> arguments -> cased(text, text.toUpperCase(Locale.ROOT));
      case "islower" -> arguments -> cased(text, text.toLowerCase(Locale.ROOT));
      default -> null;
    };
  }

  private static boolean all(String text, java.util.function.IntPredicate test) {
    return !text.isEmpty() && text.codePoints().allMatch(test);
  }

  private static boolean cased(String text, String folded) {
    boolean hasCase = !text.toUpperCase(Locale.ROOT).equals(text.toLowerCase(Locale.ROOT));
    return hasCase && text.equals(folded);
  }

  private static boolean affix(String text, String name, @Nullable Object wanted) {
    if (wanted instanceof Tuple tuple) {
      return tuple.stream().anyMatch(each -> affix(text, name, each));
    }
    if (wanted instanceof String affix) {
      return name.equals("startswith") ? text.startsWith(affix) : text.endsWith(affix);
    }
    throw new EvaluationException(name + "() needs a string, not " + PythonText.typeName(wanted));
  }

  private static long find(String text, String name, String wanted) {
    int found = name.startsWith("r") ? text.lastIndexOf(wanted) : text.indexOf(wanted);
    if (found < 0 && name.endsWith("index")) {
      throw new EvaluationException("the text is not found");
    }
    return found < 0 ? -1 : text.codePointCount(0, found);
  }

  private static long count(String text, String wanted) {
    if (wanted.isEmpty()) {
      return Texts.length(text) + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length())) {
      count++;
    }
    return count;
  }

  private static Tuple partition(String text, String separator, boolean last) {
    int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) {
      return new Tuple(last ? List.of("", "", text) : List.of(text, "", ""));
    }
    return new Tuple(
        List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }
}
