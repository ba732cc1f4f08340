package io.ladon.coordinator.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What writes output, or changes variables. */
sealed interface Statement {

  record Data(String text) implements Statement {}

  record Output(Expression value) implements Statement {}

  /** {@code if} with all its {@code elif}s. */
  record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

  record Branch(Expression condition, List<Statement> body) {}

  record For(
      Position position,
      Target target,
      Expression iterable,
      @Nullable Expression condition,
      boolean recursive,
      List<Statement> body,
      List<Statement> otherwise)
      implements Statement {}

  record Set(Position position, Target target, Expression value) implements Statement {}

  /** {@code {% set target %} ... {% endset %}}. */
  record SetBlock(
      Position position, Target target, Expression.@Nullable Filter filter, List<Statement> body)
      implements Statement {}

  record Macro(Position position, String name, List<Parameter> parameters, List<Statement> body)
      implements Statement {}

  /** A parameter of a macro, with its default. */
  record Parameter(String name, @Nullable Expression value) {}

  /** {@code {% call(parameters) function(arguments) %} ... {% endcall %}}. */
  record CallBlock(Macro caller, Expression.Call call) implements Statement {}

  record FilterBlock(Position position, Expression.Filter filter, List<Statement> body)
      implements Statement {}

  record With(List<Set> assignments, List<Statement> body) implements Statement {}

  /** Statements that are just run in order: {@code generation}. */
  record Block(List<Statement> body) implements Statement {}

  /** {@code break} or {@code continue}. */
  record Jump(boolean isBreak) implements Statement {}

  /** What is assigned to. */
  sealed interface Target {

    record Variable(String name) implements Target {}

    /** {@code namespace.attribute}. */
    record Member(Position position, String namespace, String attribute) implements Target {}

    record Several(Position position, List<Target> targets) implements Target {}
  }
}
