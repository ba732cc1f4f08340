package io.ladon.coordinator.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What has a value. */
sealed interface Expression {

  Position position();

  /** A value of Java: null, Boolean, Long, Double or String. */
  record Literal(Position position, @Nullable Object value) implements Expression {}

  record Name(Position position, String name) implements Expression {}

  record ListLiteral(Position position, List<Expression> items) implements Expression {}

  record TupleLiteral(Position position, List<Expression> items) implements Expression {}

  record DictLiteral(Position position, List<Expression> keys, List<Expression> values)
      implements Expression {}

  /** {@code object.name}. */
  record Attribute(Position position, Expression object, String name) implements Expression {}

  /** {@code object[index]}. */
  record Item(Position position, Expression object, Expression index) implements Expression {}

  /** {@code object[from:to:step]}. */
  record Slice(
      Position position,
      Expression object,
      @Nullable Expression from,
      @Nullable Expression to,
      @Nullable Expression step)
      implements Expression {}

  record Call(Position position, Expression function, Arguments arguments) implements Expression {}

  /** {@code operand | name(arguments)}; the operand is null at the start of a filter block. */
  record Filter(Position position, @Nullable Expression operand, String name, Arguments arguments)
      implements Expression {}

  /** {@code operand is name(arguments)}. */
  record Test(Position position, Expression operand, String name, Arguments arguments)
      implements Expression {}

  /** {@code -x}, {@code +x} or {@code not x}. */
  record Unary(Position position, String operator, Expression operand) implements Expression {}

  /** Arithmetic, and {@code ~}. */
  record Binary(Position position, String operator, Expression left, Expression right)
      implements Expression {}

  record And(Position position, Expression left, Expression right) implements Expression {}

  record Or(Position position, Expression left, Expression right) implements Expression {}

  /** {@code first < second == third ...}. */
  record Comparison(
      Position position, Expression first, List<String> operators, List<Expression> others)
      implements Expression {}

  /** {@code then if condition else otherwise}. */
  record Conditional(
      Position position, Expression condition, Expression then, @Nullable Expression otherwise)
      implements Expression {}

  /**
   * Arguments of a call.
   *
   * @param spread the list behind {@code *}, if any
   * @param spreadNames the mapping behind {@code **}, if any
   */
  record Arguments(
      List<Expression> positional,
      List<Named> named,
      @Nullable Expression spread,
      @Nullable Expression spreadNames) {

    static final Arguments NONE = new Arguments(List.of(), List.of(), null, null);
  }

  /** {@code name=value}. */
  record Named(String name, Expression value) {}
}
