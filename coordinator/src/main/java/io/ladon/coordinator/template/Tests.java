package io.ladon.coordinator.template;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The tests: {@code value is name(argument)}. */
final class Tests {

  private Tests() {}

  static boolean apply(
      String name, @Nullable Object value, CallArguments arguments, Evaluator evaluator) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "number" -> Operators.isNumber(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map;
      case "sequence" ->
          value instanceof String
              || value instanceof List
              || value instanceof Map
              || value instanceof Undefined;
      case "iterable" ->
          value instanceof String
              || value instanceof List
              || value instanceof Map
              || value instanceof Undefined;
      case "callable" -> value instanceof Callable;
      case "odd" -> Math.floorMod(Operators.integer(value, "the value"), 2L) == 1;
      case "even" -> Math.floorMod(Operators.integer(value, "the value"), 2L) == 0;
      case "divisibleby" -> {
        long divisor = Operators.integer(arguments.require(0, "num"), "the divisor");
        if (divisor == 0) {
          throw new EvaluationException("division by zero");
        }
        yield Operators.integer(value, "the value") % divisor == 0;
      }
      case "lower" -> {
        String text = PythonText.str(value);
        yield !text.isEmpty() && text.equals(text.toLowerCase(Locale.ROOT));
      }
      case "upper" -> {
        String text = PythonText.str(value);
        yield !text.isEmpty() && text.equals(text.toUpperCase(Locale.ROOT));
      }
      case "escaped" -> false;
      case "in" -> Operators.contains(arguments.require(0, "seq"), value);
      case "sameas" -> same(value, arguments.require(0, "other"));
      default -> compare(name, value, arguments);
    };
  }

  @SuppressWarnings("ReferenceEquality") // the very same object is what this test asks for
  private static boolean same(@Nullable Object left, @Nullable Object right) {
    boolean scalar = left instanceof Boolean || left instanceof String || left instanceof Number;
    return scalar ? Objects.equals(left, right) : left == right;
  }

  private static boolean compare(String name, @Nullable Object value, CallArguments arguments) {
    String operator =
        switch (name) {
          case "eq", "equalto", "==" -> "==";
          case "ne", "!=" -> "!=";
          case "lt", "lessthan", "<" -> "<";
          case "le", "<=" -> "<=";
          case "gt", "greaterthan", ">" -> ">";
          case "ge", ">=" -> ">=";
          default -> throw new EvaluationException("there is no test '" + name + "'");
        };
    return Evaluator.holds(operator, value, arguments.require(0, "other"));
  }
}
