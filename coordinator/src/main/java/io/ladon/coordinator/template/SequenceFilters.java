package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The filters of lists and mappings. */
final class SequenceFilters {

  /** Filters that take anything false, none too, for an empty list. */
  private static final Set<String> LENIENT =
      Set.of("map", "select", "reject", "selectattr", "rejectattr");

  private SequenceFilters() {}

  static @Nullable Object apply(
      String name, @Nullable Object value, CallArguments arguments, Evaluator evaluator) {
    if (name.equals("reverse") && value instanceof String text) {
      evaluator.budget().characters(text.length());
      return new StringBuilder(text).reverse().toString();
    }
    if (name.equals("dictsort")) {
      return dictSort(value, arguments);
    }
    boolean lenient = LENIENT.contains(name) && !Operators.truth(value);
    List<@Nullable Object> items =
        lenient ? new ArrayList<>() : Operators.iterate(value, evaluator.budget());
    evaluator.budget().spend(items.size());
    return switch (name) {
      case "list" -> items;
      case "first" -> items.isEmpty() ? new Undefined("there is no first item") : items.getFirst();
      case "last" -> items.isEmpty() ? new Undefined("there is no last item") : items.getLast();
      case "reverse" -> {
        Collections.reverse(items);
        yield items;
      }
      case "join" -> {
        arguments.bind("d", "attribute");
        Object separator = arguments.get(0, "d", "");
        yield join(
            mapped(items, attributeGetter(arguments, 1, evaluator)),
            PythonText.str(separator),
            false,
            evaluator.budget());
      }
      case "map" -> map(items, arguments, evaluator);
      case "select", "reject", "selectattr", "rejectattr" ->
          select(name, items, arguments, evaluator);
      case "sort" -> sort(items, arguments, evaluator);
      case "unique" -> unique(items, arguments, evaluator);
      case "min", "max" -> extreme(name, items, arguments, evaluator);
      case "sum" -> sum(items, arguments, evaluator);
      case "batch" -> batch(items, arguments);
      case "slice" -> slice(items, arguments);
      case "groupby" -> groupBy(items, arguments, evaluator);
      default -> throw new EvaluationException("there is no filter '" + name + "'");
    };
  }

  /**
   * Joins items.
   *
   * @param strict whether the items must be strings, as for the method of that name
   */
  static String join(
      List<@Nullable Object> items, String separator, boolean strict, Budget budget) {
    StringBuilder out = new StringBuilder();
    String between = "";
    for (Object item : items) {
      if (strict && !(item instanceof String)) {
        throw new EvaluationException("cannot join " + PythonText.typeName(item));
      }
      String text = PythonText.str(item);
      budget.step();
      budget.characters(text.length() + separator.length());
      out.append(between).append(text);
      between = separator;
      if (out.length() > 1 << 20) {
        budget.characters(out.length());
      }
    }
    return out.toString();
  }

  private static List<@Nullable Object> mapped(
      List<@Nullable Object> items, Function<@Nullable Object, @Nullable Object> function) {
    List<@Nullable Object> result = new ArrayList<>(items.size());
    for (Object item : items) {
      result.add(function.apply(item));
    }
    return result;
  }

  /** What gets the attribute that an argument names, or the item itself without one. */
  private static Function<@Nullable Object, @Nullable Object> attributeGetter(
      CallArguments arguments, int index, Evaluator evaluator) {
    Object attribute = arguments.get(index, "attribute", null);
    return attribute == null ? item -> item : item -> path(item, attribute, null, evaluator);
  }

  /** Follows {@code a.b.0} from an item; the fallback stands in for what is missing on the way. */
  private static @Nullable Object path(
      @Nullable Object item,
      @Nullable Object attribute,
      @Nullable Object fallback,
      Evaluator evaluator) {
    if (attribute instanceof Long) {
      return orElse(evaluator.item(item, attribute), fallback);
    }
    Object value = item;
    for (String part : PythonText.str(attribute).split("\\.", -1)) {
      Object key = part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part;
      value = orElse(evaluator.item(value, key), fallback);
    }
    return value;
  }

  private static List<@Nullable Object> map(
      List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    if (arguments.named().containsKey("attribute")) {
      Object attribute = arguments.named().get("attribute");
      Object fallback = arguments.named().get("default");
      return mapped(items, item -> path(item, attribute, fallback, evaluator));
    }
    String filter = arguments.requireString(0, "filter");
    CallArguments rest = arguments.from(1);
    return mapped(items, item -> Filters.apply(filter, item, rest, evaluator));
  }

  private static List<@Nullable Object> select(
      String name, List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    boolean byAttribute = name.endsWith("attr");
    boolean wanted = name.startsWith("select");
    Object attribute = byAttribute ? arguments.require(0, "attribute") : null;
    int testAt = byAttribute ? 1 : 0;
    String test = arguments.stringOrNull(testAt, "test");
    CallArguments rest = arguments.from(testAt + 1);
    List<@Nullable Object> selected = new ArrayList<>();
    for (Object item : items) {
      Object value = byAttribute ? path(item, attribute, null, evaluator) : item;
      boolean holds =
          test == null ? Operators.truth(value) : Tests.apply(test, value, rest, evaluator);
      if (holds == wanted) {
        selected.add(item);
      }
    }
    return selected;
  }

  private static @Nullable Object folded(@Nullable Object value, boolean caseSensitive) {
    return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static List<@Nullable Object> sort(
      List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    arguments.bind("reverse", "case_sensitive", "attribute");
    boolean caseSensitive = arguments.truth(1, "case_sensitive", false);
    Function<@Nullable Object, @Nullable Object> key = attributeGetter(arguments, 2, evaluator);
    Comparator<@Nullable Object> order =
        (a, b) ->
            Operators.compare(
                folded(key.apply(a), caseSensitive), folded(key.apply(b), caseSensitive));
    items.sort(arguments.truth(0, "reverse", false) ? order.reversed() : order);
    return items;
  }

  private static List<@Nullable Object> unique(
      List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    arguments.bind("case_sensitive", "attribute");
    boolean caseSensitive = arguments.truth(0, "case_sensitive", false);
    Function<@Nullable Object, @Nullable Object> key = attributeGetter(arguments, 1, evaluator);
    Set<@Nullable Object> seen = new HashSet<>();
    List<@Nullable Object> result = new ArrayList<>();
    for (Object item : items) {
      if (seen.add(folded(key.apply(item), caseSensitive))) {
        result.add(item);
      }
    }
    return result;
  }

  private static @Nullable Object extreme(
      String name, List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    arguments.bind("case_sensitive", "attribute");
    boolean caseSensitive = arguments.truth(0, "case_sensitive", false);
    Function<@Nullable Object, @Nullable Object> key = attributeGetter(arguments, 1, evaluator);
    if (items.isEmpty()) {
      return new Undefined("there is no item");
    }
    Object best = items.getFirst();
    for (Object item : items) {
      int order =
          Operators.compare(
              folded(key.apply(item), caseSensitive), folded(key.apply(best), caseSensitive));
      if (name.equals("min") ? order < 0 : order > 0) {
        best = item;
      }
    }
    return best;
  }

  private static @Nullable Object sum(
      List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    arguments.bind("attribute", "start");
    Object sum = arguments.get(1, "start", 0L);
    for (Object item : mapped(items, attributeGetter(arguments, 0, evaluator))) {
      sum = Operators.binary("+", sum, item, evaluator.budget());
    }
    return sum;
  }

  private static List<@Nullable Object> batch(
      List<@Nullable Object> items, CallArguments arguments) {
    arguments.bind("linecount", "fill_with");
    int size = Math.max(1, arguments.integer(0, "linecount", 1));
    Object fill = arguments.get(1, "fill_with", null);
    List<@Nullable Object> batches = new ArrayList<>();
    for (int i = 0; i < items.size(); i += size) {
      List<@Nullable Object> batch =
          new ArrayList<>(items.subList(i, Math.min(items.size(), i + size)));
      while (fill != null && batch.size() < Math.min(size, 10_000)) {
        batch.add(fill);
      }
      batches.add(batch);
    }
    return batches;
  }

  private static List<@Nullable Object> slice(
      List<@Nullable Object> items, CallArguments arguments) {
    arguments.bind("slices", "fill_with");
    int count = Math.clamp(arguments.integer(0, "slices", 1), 1, 10_000);
    Object fill = arguments.get(1, "fill_with", null);
    List<@Nullable Object> slices = new ArrayList<>();
    int size = items.size() / count;
    int longer = items.size() % count;
    int from = 0;
    for (int i = 0; i < count; i++) {
      int to = from + size + (i < longer ? 1 : 0);
      List<@Nullable Object> slice = new ArrayList<>(items.subList(from, to));
      if (fill != null && i >= longer) {
        slice.add(fill);
      }
      slices.add(slice);
      from = to;
    }
    return slices;
  }

  private static List<@Nullable Object> groupBy(
      List<@Nullable Object> items, CallArguments arguments, Evaluator evaluator) {
    arguments.bind("attribute", "default", "case_sensitive");
    Function<@Nullable Object, @Nullable Object> key = attributeGetter(arguments, 0, evaluator);
    Object fallback = arguments.get(1, "default", null);
    Map<@Nullable Object, List<@Nullable Object>> groups = new LinkedHashMap<>();
    items.stream()
        .sorted(
            (a, b) ->
                Operators.compare(orElse(key.apply(a), fallback), orElse(key.apply(b), fallback)))
        .forEach(
            item ->
                groups
                    .computeIfAbsent(orElse(key.apply(item), fallback), k -> new ArrayList<>())
                    .add(item));
    List<@Nullable Object> result = new ArrayList<>();
    groups.forEach((group, members) -> result.add(Tuple.of(group, members)));
    return result;
  }

  private static @Nullable Object orElse(@Nullable Object value, @Nullable Object fallback) {
    return value instanceof Undefined && fallback != null ? fallback : value;
  }

  private static List<@Nullable Object> dictSort(@Nullable Object value, CallArguments arguments) {
    arguments.bind("case_sensitive", "by", "reverse");
    if (!(value instanceof Map<?, ?> map)) {
      throw new EvaluationException("needs a dict, not " + PythonText.typeName(value));
    }
    boolean caseSensitive = arguments.truth(0, "case_sensitive", false);
    int by = arguments.string(1, "by", "key").equals("value") ? 1 : 0;
    Comparator<@Nullable Object> order =
        (a, b) -> Operators.compare(member(a, by, caseSensitive), member(b, by, caseSensitive));
    List<@Nullable Object> items = Methods.items(map);
    items.sort(arguments.truth(2, "reverse", false) ? order.reversed() : order);
    return items;
  }

  private static @Nullable Object member(@Nullable Object pair, int index, boolean caseSensitive) {
    return pair instanceof Tuple tuple ? folded(tuple.get(index), caseSensitive) : pair;
  }
}
