package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Python's operators on the values of a template: null, Boolean, Long, Double, String, List, Map,
 * {@link Undefined}, and things that can only be called or read.
 */
final class Operators {

  private Operators() {}

  static boolean truth(@Nullable Object value) {
    return switch (value) {
      case null -> false;
      case Undefined undefined -> false;
      case Boolean b -> b;
      case Long number -> number != 0;
      case Number number -> number.doubleValue() != 0;
      case String text -> !text.isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> true;
    };
  }

  static boolean isNumber(@Nullable Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  /** A number for arithmetic: true counts as 1. */
  private static Number number(Object value) {
    return value instanceof Boolean b ? (Number) (b ? 1L : 0L) : (Number) value;
  }

  static long integer(@Nullable Object value, String what) {
    if (value instanceof Long number) {
      return number;
    }
    if (value instanceof Boolean b) {
      return b ? 1 : 0;
    }
    throw new EvaluationException(what + " must be an integer, not " + PythonText.typeName(value));
  }

  static boolean equal(@Nullable Object left, @Nullable Object right) {
    if (left instanceof Undefined && right instanceof Undefined) {
      return true;
    }
    if (left == null || right == null) {
      return left == null && right == null;
    }
    if (isNumber(left) && isNumber(right)) {
      return compareNumbers(number(left), number(right)) == 0;
    }
    if (left instanceof List<?> first && right instanceof List<?> second) {
      return first instanceof Tuple == second instanceof Tuple && equalLists(first, second);
    }
    if (left instanceof Map<?, ?> first && right instanceof Map<?, ?> second) {
      return first.size() == second.size()
          && first.entrySet().stream()
              .allMatch(
                  entry ->
                      second.containsKey(entry.getKey())
                          && equal(entry.getValue(), second.get(entry.getKey())));
    }
    return Objects.equals(left, right);
  }

  private static boolean equalLists(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    Iterator<?> others = right.iterator();
    for (Object item : left) {
      if (!equal(item, others.next())) {
        return false;
      }
    }
    return true;
  }

  /** Less than 0, 0 or more, as {@code left < right}; an error if Python cannot order them. */
  static int compare(@Nullable Object left, @Nullable Object right) {
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (left != null && right != null && isNumber(left) && isNumber(right)) {
      return compareNumbers(number(left), number(right));
    }
    if (left instanceof String first && right instanceof String second) {
      return compareTexts(first, second);
    }
    if (left instanceof List<?> first && right instanceof List<?> second) {
      for (int i = 0; i < Math.min(first.size(), second.size()); i++) {
        if (!equal(first.get(i), second.get(i))) {
          return compare(first.get(i), second.get(i));
        }
      }
      return Integer.compare(first.size(), second.size());
    }
    throw new EvaluationException(
        "cannot order " + PythonText.typeName(left) + " and " + PythonText.typeName(right));
  }

  private static int compareNumbers(Number left, Number right) {
    if (left instanceof Long first && right instanceof Long second) {
      return Long.compare(first, second);
    }
    double first = left.doubleValue();
    double second = right.doubleValue();
    return first < second ? -1 : first > second ? 1 : first == second ? 0 : 2; // 2: not a number
  }

  /** By code points, as Python does. */
  private static int compareTexts(String left, String right) {
    int length = Math.min(left.length(), right.length());
    for (int i = 0; i < length; i++) {
      char a = left.charAt(i);
      char b = right.charAt(i);
      if (a != b) {
        boolean surrogates = Character.isSurrogate(a) != Character.isSurrogate(b);
        return surrogates ? (Character.isSurrogate(a) ? 1 : -1) : Character.compare(a, b);
      }
    }
    return Integer.compare(left.length(), right.length());
  }

  /** {@code needle in haystack}. */
  static boolean contains(@Nullable Object haystack, @Nullable Object needle) {
    return switch (haystack) {
      case String text -> {
        if (needle instanceof String part) {
          yield text.contains(part);
        }
        if (needle instanceof Undefined undefined) {
          throw undefined.error();
        }
        throw new EvaluationException(
            "'in <string>' needs a string on the left, not " + PythonText.typeName(needle));
      }
      case List<?> list -> list.stream().anyMatch(item -> equal(item, needle));
      case Map<?, ?> map -> needle != null && map.containsKey(needle);
      case Undefined undefined -> false;
      case null, default ->
          throw new EvaluationException(PythonText.typeName(haystack) + " holds nothing");
    };
  }

  static @Nullable Object binary(
      String operator, @Nullable Object left, @Nullable Object right, Budget budget) {
    if (operator.equals("~")) {
      return concatenate(PythonText.str(left), PythonText.str(right), budget);
    }
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (operator.equals("%") && left instanceof String format) {
      return PythonFormat.percent(format, right, budget);
    }
    if (right instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (left != null && right != null && isNumber(left) && isNumber(right)) {
      return arithmetic(operator, number(left), number(right));
    }
    if (operator.equals("+")) {
      if (left instanceof String first && right instanceof String second) {
        return concatenate(first, second, budget);
      }
      if (left instanceof List<?> first
          && right instanceof List<?> second
          && first instanceof Tuple == second instanceof Tuple) {
        budget.spend(first.size() + second.size());
        List<@Nullable Object> joined = new ArrayList<>(first);
        joined.addAll(second);
        return first instanceof Tuple ? new Tuple(joined) : joined;
      }
    }
    if (operator.equals("*") && right instanceof Long times && !isNumber(left)) {
      return repeat(left, times, budget);
    }
    if (operator.equals("*") && left instanceof Long times && !isNumber(right)) {
      return repeat(right, times, budget);
    }
    throw new EvaluationException(
        "cannot do %s %s %s"
            .formatted(PythonText.typeName(left), operator, PythonText.typeName(right)));
  }

  static String concatenate(String left, String right, Budget budget) {
    budget.characters((long) left.length() + right.length());
    return left.concat(right);
  }

  private static Object repeat(@Nullable Object value, long times, Budget budget) {
    int count = (int) Math.max(0, Math.min(times, Integer.MAX_VALUE));
    if (value instanceof String text) {
      budget.characters((long) text.length() * count);
      return text.repeat(count);
    }
    if (value instanceof List<?> list) {
      budget.spend((long) list.size() * count);
      List<@Nullable Object> repeated = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        repeated.addAll(list);
      }
      return list instanceof Tuple ? new Tuple(repeated) : repeated;
    }
    throw new EvaluationException("cannot repeat " + PythonText.typeName(value));
  }

  private static Object arithmetic(String operator, Number left, Number right) {
    if (left instanceof Long a && right instanceof Long b) {
      return integers(operator, a, b);
    }
    double a = left.doubleValue();
    double b = right.doubleValue();
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new EvaluationException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      default -> Math.pow(a, b);
    };
  }

  private static Object integers(String operator, long a, long b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new EvaluationException("division by zero");
    }
    try {
      return switch (operator) {
        case "+" -> Math.addExact(a, b);
        case "-" -> Math.subtractExact(a, b);
        case "*" -> Math.multiplyExact(a, b);
        case "/" -> (double) a / b;
        case "//" -> Math.floorDivExact(a, b);
        case "%" -> Math.floorMod(a, b);
        default -> power(a, b);
      };
    } catch (ArithmeticException e) {
      throw new EvaluationException("a number beyond 64 bits");
    }
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return Math.pow((double) base, (double) exponent);
    }
    if (exponent > 64 && base != 0 && base != 1 && base != -1) {
      throw new EvaluationException("a number beyond 64 bits");
    }
    long result = 1;
    for (long i = exponent > 64 ? exponent % 2 + 2 : exponent; i > 0; i--) {
      result = Math.multiplyExact(result, base);
    }
    return result;
  }

  static Object negate(@Nullable Object value) {
    return switch (value) {
      case Long number when number != Long.MIN_VALUE -> -number;
      case Boolean b -> b ? -1L : 0L;
      case Double number -> -number;
      case Undefined undefined -> throw undefined.error();
      case null, default ->
          throw new EvaluationException("cannot negate " + PythonText.typeName(value));
    };
  }

  /** What a loop runs over: of a mapping its keys, of a string its characters. */
  static List<@Nullable Object> iterate(@Nullable Object value, Budget budget) {
    return switch (value) {
      case List<?> list -> new ArrayList<@Nullable Object>(list);
      case Map<?, ?> map -> {
        budget.spend(map.size());
        yield new ArrayList<@Nullable Object>(map.keySet());
      }
      case String text -> {
        budget.spend(text.length());
        List<@Nullable Object> characters = new ArrayList<>();
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        yield characters;
      }
      case Undefined undefined -> new ArrayList<@Nullable Object>();
      case null, default ->
          throw new EvaluationException(PythonText.typeName(value) + " cannot be iterated");
    };
  }
}
