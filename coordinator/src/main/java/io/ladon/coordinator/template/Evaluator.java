package io.ladon.coordinator.template;

import io.ladon.coordinator.template.Expression.Named;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Computes expressions. */
final class Evaluator {

  private final Budget budget;

  Evaluator(Budget budget) {
    this.budget = budget;
  }

  Budget budget() {
    return budget;
  }

  /** The value of an expression; an error names its place. */
  @Nullable Object evaluate(Expression expression, Scope scope) {
    try {
      budget.step();
      budget.enter();
      Object value = compute(expression, scope);
      budget.leave();
      return value;
    } catch (EvaluationException e) {
      throw e.at(expression.position());
    }
  }

  boolean truth(Expression expression, Scope scope) {
    return Operators.truth(evaluate(expression, scope));
  }

  private @Nullable Object compute(Expression expression, Scope scope) {
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name -> scope.get(name.name());
      case Expression.ListLiteral list -> all(list.items(), scope);
      case Expression.TupleLiteral tuple -> new Tuple(all(tuple.items(), scope));
      case Expression.DictLiteral dict -> dict(dict, scope);
      case Expression.Attribute attribute ->
          attribute(evaluate(attribute.object(), scope), attribute.name());
      case Expression.Item item ->
          item(evaluate(item.object(), scope), evaluate(item.index(), scope));
      case Expression.Slice slice ->
          Slices.slice(
              evaluate(slice.object(), scope),
              optional(slice.from(), scope),
              optional(slice.to(), scope),
              optional(slice.step(), scope),
              budget);
      case Expression.Call call -> call(call, scope, null);
      case Expression.Filter filter -> {
        Expression operand = filter.operand();
        yield filter(filter, operand == null ? null : evaluate(operand, scope), scope);
      }
      case Expression.Test test ->
          named(
              test.name(),
              () ->
                  Tests.apply(
                      test.name(),
                      evaluate(test.operand(), scope),
                      arguments(test.arguments(), scope),
                      this));
      case Expression.Unary unary -> {
        Object value = evaluate(unary.operand(), scope);
        yield switch (unary.operator()) {
          case "not" -> !Operators.truth(value);
          case "-" -> Operators.negate(value);
          default -> Operators.negate(Operators.negate(value));
        };
      }
      case Expression.Binary binary ->
          Operators.binary(
              binary.operator(),
              evaluate(binary.left(), scope),
              evaluate(binary.right(), scope),
              budget);
      case Expression.And and -> {
        Object left = evaluate(and.left(), scope);
        yield Operators.truth(left) ? evaluate(and.right(), scope) : left;
      }
      case Expression.Or or -> {
        Object left = evaluate(or.left(), scope);
        yield Operators.truth(left) ? left : evaluate(or.right(), scope);
      }
      case Expression.Comparison comparison -> comparison(comparison, scope);
      case Expression.Conditional conditional -> {
        if (truth(conditional.condition(), scope)) {
          yield evaluate(conditional.then(), scope);
        }
        Expression otherwise = conditional.otherwise();
        yield otherwise == null
            ? new Undefined("the inline if is false and has no else")
            : evaluate(otherwise, scope);
      }
    };
  }

  private @Nullable Object optional(@Nullable Expression expression, Scope scope) {
    return expression == null ? null : evaluate(expression, scope);
  }

  private List<@Nullable Object> all(List<Expression> expressions, Scope scope) {
    List<@Nullable Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(evaluate(expression, scope));
    }
    return values;
  }

  private Map<Object, @Nullable Object> dict(Expression.DictLiteral dict, Scope scope) {
    Map<Object, @Nullable Object> map = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      Object key = evaluate(dict.keys().get(i), scope);
      if (key == null || key instanceof List || key instanceof Map || key instanceof Undefined) {
        throw new EvaluationException(PythonText.typeName(key) + " cannot be a key");
      }
      map.put(key, evaluate(dict.values().get(i), scope));
    }
    return map;
  }

  private boolean comparison(Expression.Comparison comparison, Scope scope) {
    Object left = evaluate(comparison.first(), scope);
    for (int i = 0; i < comparison.operators().size(); i++) {
      Object right = evaluate(comparison.others().get(i), scope);
      if (!holds(comparison.operators().get(i), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  static boolean holds(String operator, @Nullable Object left, @Nullable Object right) {
    return switch (operator) {
      case "==" -> Operators.equal(left, right);
      case "!=" -> !Operators.equal(left, right);
      case "in" -> Operators.contains(right, left);
      case "not in" -> !Operators.contains(right, left);
      case "<" -> Operators.compare(left, right) < 0;
      case ">" -> Operators.compare(right, left) < 0;
      case "<=" -> Operators.compare(left, right) <= 0;
      default -> Operators.compare(right, left) <= 0;
    };
  }

  /** Applies a filter to a value that is already there. */
  @Nullable Object filter(Expression.Filter filter, @Nullable Object operand, Scope scope) {
    Expression inner = filter.operand();
    Object value =
        inner instanceof Expression.Filter before && isChainOnBlock(before)
            ? filter(before, operand, scope)
            : operand;
    return named(
        "filter " + filter.name(),
        () -> Filters.apply(filter.name(), value, arguments(filter.arguments(), scope), this));
  }

  /** Whether a chain of filters begins with the text of a block and not with an expression. */
  private static boolean isChainOnBlock(Expression.Filter filter) {
    Expression.Filter first = filter;
    while (first.operand() instanceof Expression.Filter before) {
      first = before;
    }
    return first.operand() == null;
  }

  private interface Operation {
    @Nullable Object run();
  }

  /** Puts a name before the message of an error. */
  private static @Nullable Object named(String name, Operation operation) {
    try {
      return operation.run();
    } catch (EvaluationException e) {
      throw new EvaluationException(name + ": " + e.getMessage());
    }
  }

  /** Calls a macro from a call block, whose body it may call back. */
  @Nullable Object evaluateCall(Expression.Call call, Scope scope, Callable caller) {
    try {
      return call(call, scope, caller);
    } catch (EvaluationException e) {
      throw e.at(call.position());
    }
  }

  private @Nullable Object call(Expression.Call call, Scope scope, @Nullable Callable caller) {
    Object function = evaluate(call.function(), scope);
    if (function instanceof LoopState loop && loop.recursion() != null) {
      function = loop.recursion();
    }
    if (function instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (function instanceof Callable callable) {
      CallArguments arguments = arguments(call.arguments(), scope);
      if (caller != null) {
        arguments.named().put(Renderer.CALLER, caller);
      }
      return callable.call(arguments);
    }
    throw new EvaluationException(PythonText.typeName(function) + " cannot be called");
  }

  CallArguments arguments(Expression.Arguments arguments, Scope scope) {
    List<@Nullable Object> positional = all(arguments.positional(), scope);
    if (arguments.spread() != null) {
      positional.addAll(Operators.iterate(evaluate(arguments.spread(), scope), budget));
    }
    Map<String, @Nullable Object> named = new LinkedHashMap<>();
    for (Named argument : arguments.named()) {
      named.put(argument.name(), evaluate(argument.value(), scope));
    }
    if (arguments.spreadNames() != null
        && evaluate(arguments.spreadNames(), scope) instanceof Map<?, ?> map) {
      map.forEach((key, value) -> named.put(PythonText.str(key), value));
    }
    return new CallArguments(positional, named);
  }

  /** {@code object.name}: a method before a key of that name, as Python finds them. */
  @Nullable Object attribute(@Nullable Object object, String name) {
    return switch (object) {
      case Undefined undefined -> throw undefined.error();
      case Namespace namespace -> namespace.get(name);
      case LoopState loop -> loop.get(name);
      case null, default -> {
        Callable method = Methods.of(object, name, budget);
        if (method != null) {
          yield method;
        }
        yield object instanceof Map<?, ?> map && map.containsKey(name)
            ? map.get(name)
            : missing(object, "attribute '" + name + "'");
      }
    };
  }

  /** {@code object[index]}: a key before a method of that name. */
  @Nullable Object item(@Nullable Object object, @Nullable Object index) {
    if (object instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (object instanceof Map<?, ?> map && index != null && map.containsKey(index)) {
      return map.get(index);
    }
    if (index instanceof Long number) {
      return Slices.element(object, number);
    }
    return index instanceof String name
        ? attribute(object, name)
        : missing(object, "item " + PythonText.repr(index));
  }

  private static Undefined missing(@Nullable Object object, String what) {
    return new Undefined(PythonText.typeName(object) + " has no " + what);
  }
}
