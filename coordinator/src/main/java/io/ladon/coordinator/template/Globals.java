package io.ladon.coordinator.template;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template has. */
final class Globals {

  private static final int LONGEST_RANGE = 100_000; // as Jinja's sandbox

  private Globals() {}

  static Scope scope(Clock clock, Budget budget) {
    Scope scope = new Scope(null);
    scope.set("range", (Callable) arguments -> range(arguments, budget));
    scope.set("namespace", (Callable) Globals::namespace);
    scope.set("dict", (Callable) Globals::dict);
    scope.set("raise_exception", (Callable) Globals::raise);
    scope.set(
        "strftime_now",
        (Callable)
            arguments ->
                PythonFormat.time(
                    arguments.bind("format").requireString(0, "format"), ZonedDateTime.now(clock)));
    return scope;
  }

  private static List<@Nullable Object> range(CallArguments arguments, Budget budget) {
    int count = arguments.positional().size();
    if (count < 1 || count > 3 || !arguments.named().isEmpty()) {
      throw new EvaluationException("range() takes 1 to 3 arguments");
    }
    long[] bounds = new long[count];
    for (int i = 0; i < count; i++) {
      bounds[i] = Operators.integer(arguments.positional().get(i), "an argument of range()");
    }
    long start = count == 1 ? 0 : bounds[0];
    long end = count == 1 ? bounds[0] : bounds[1];
    long step = count == 3 ? bounds[2] : 1;
    if (step == 0) {
      throw new EvaluationException("the step of range() is zero");
    }
    List<@Nullable Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < end : i > end; i += step) {
      if (numbers.size() == LONGEST_RANGE) {
        throw new EvaluationException("a range of more than " + LONGEST_RANGE + " numbers");
      }
      numbers.add(i);
    }
    budget.spend(numbers.size());
    return numbers;
  }

  private static Namespace namespace(CallArguments arguments) {
    Namespace namespace = new Namespace();
    dict(arguments).forEach((name, value) -> namespace.set(PythonText.str(name), value));
    return namespace;
  }

  private static Map<Object, @Nullable Object> dict(CallArguments arguments) {
    Map<Object, @Nullable Object> map = new LinkedHashMap<>();
    for (Object given : arguments.positional()) {
      if (!(given instanceof Map<?, ?> other)) {
        throw new EvaluationException("needs a dict, not " + PythonText.typeName(given));
      }
      map.putAll(other);
    }
    map.putAll(arguments.named());
    return map;
  }

  private static @Nullable Object raise(CallArguments arguments) {
    String message = PythonText.str(arguments.bind("message").require(0, "message"));
    throw new EvaluationException(message, true);
  }
}
