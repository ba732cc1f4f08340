package io.ladon.coordinator.template;

import io.ladon.coordinator.template.Statement.Target;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs statements and collects their output. */
final class Renderer {

  /** How a list of statements ended. */
  private enum Flow {
    NORMAL,
    BREAK,
    CONTINUE
  }

  /** How a macro sees the body of the call block that calls it. */
  static final String CALLER = "caller";

  private final Evaluator evaluator;
  private final Budget budget;
  private StringBuilder out = new StringBuilder();

  Renderer(Evaluator evaluator) {
    this.evaluator = evaluator;
    this.budget = evaluator.budget();
  }

  String render(List<Statement> template, Scope scope) {
    run(template, scope);
    return out.toString();
  }

  private Flow run(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      Flow flow = run(statement, scope);
      if (flow != Flow.NORMAL) {
        return flow;
      }
    }
    return Flow.NORMAL;
  }

  private Flow run(Statement statement, Scope scope) {
    switch (statement) {
      case Statement.Data data -> write(data.text(), new Position(1, 1));
      case Statement.Output output ->
          write(
              PythonText.str(evaluator.evaluate(output.value(), scope)), output.value().position());
      case Statement.If branches -> {
        return runIf(branches, scope);
      }
      case Statement.For loop -> runFor(loop, scope);
      case Statement.Set set ->
          assign(set.target(), evaluator.evaluate(set.value(), scope), scope, set.position());
      case Statement.SetBlock set -> {
        String text = captured(set.body(), new Scope(scope));
        Expression.Filter filter = set.filter();
        Object value = filter == null ? text : filtered(filter, text, scope);
        assign(set.target(), value, scope, set.position());
      }
      case Statement.Macro macro -> scope.set(macro.name(), function(macro, scope));
      case Statement.CallBlock block -> {
        Callable caller = function(block.caller(), scope);
        Object value = evaluator.evaluateCall(block.call(), scope, caller);
        write(PythonText.str(value), block.caller().position());
      }
      case Statement.FilterBlock block -> {
        String text = captured(block.body(), new Scope(scope));
        write(PythonText.str(filtered(block.filter(), text, scope)), block.position());
      }
      case Statement.With with -> {
        Scope inner = new Scope(scope);
        for (Statement.Set set : with.assignments()) {
          Object value = evaluator.evaluate(set.value(), scope);
          assign(set.target(), value, inner, set.position());
        }
        return run(with.body(), inner);
      }
      case Statement.Block block -> {
        return run(block.body(), new Scope(scope));
      }
      case Statement.Jump jump -> {
        return jump.isBreak() ? Flow.BREAK : Flow.CONTINUE;
      }
    }
    return Flow.NORMAL;
  }

  private void write(String text, Position position) {
    try {
      budget.step();
      budget.characters(text.length());
      budget.output((long) out.length() + text.length());
    } catch (EvaluationException e) {
      throw e.at(position);
    }
    out.append(text);
  }

  private @Nullable Object filtered(Expression.Filter filter, String text, Scope scope) {
    try {
      return evaluator.filter(filter, text, scope);
    } catch (EvaluationException e) {
      throw e.at(filter.position());
    }
  }

  /** The output of statements, kept from the rest. */
  private String captured(List<Statement> body, Scope scope) {
    StringBuilder outer = out;
    out = new StringBuilder();
    run(body, scope);
    String text = out.toString();
    out = outer;
    return text;
  }

  private Flow runIf(Statement.If statement, Scope scope) {
    for (Statement.Branch branch : statement.branches()) {
      if (evaluator.truth(branch.condition(), scope)) {
        return run(branch.body(), scope);
      }
    }
    return run(statement.otherwise(), scope);
  }

  private void runFor(Statement.For loop, Scope scope) {
    Object iterable = evaluator.evaluate(loop.iterable(), scope);
    runFor(loop, iterable, scope, 0);
  }

  private void runFor(Statement.For loop, @Nullable Object iterable, Scope scope, int depth) {
    List<@Nullable Object> items;
    try {
      items = Operators.iterate(iterable, budget);
    } catch (EvaluationException e) {
      throw e.at(loop.position());
    }
    if (loop.condition() != null) {
      List<@Nullable Object> kept = new ArrayList<>();
      for (Object item : items) {
        Scope inner = new Scope(scope);
        assign(loop.target(), item, inner, loop.position());
        if (evaluator.truth(loop.condition(), inner)) {
          kept.add(item);
        }
      }
      items = kept;
    }
    Callable recursion =
        loop.recursive() ? arguments -> again(loop, arguments, scope, depth) : null;
    LoopState state = new LoopState(items, depth, recursion);
    for (int i = 0; i < items.size(); i++) {
      state.moveTo(i);
      Scope inner = new Scope(scope);
      inner.set("loop", state);
      assign(loop.target(), items.get(i), inner, loop.position());
      if (run(loop.body(), inner) == Flow.BREAK) {
        break;
      }
    }
    if (items.isEmpty()) {
      run(loop.otherwise(), new Scope(scope));
    }
  }

  private String again(Statement.For loop, CallArguments arguments, Scope scope, int depth) {
    StringBuilder outer = out;
    out = new StringBuilder();
    budget.enter();
    runFor(loop, arguments.require(0, "iterable"), scope, depth + 1);
    budget.leave();
    String text = out.toString();
    out = outer;
    return text;
  }

  private Callable function(Statement.Macro macro, Scope scope) {
    return arguments -> {
      Scope inner = new Scope(scope);
      List<Statement.Parameter> parameters = macro.parameters();
      if (arguments.positional().size() > parameters.size()) {
        throw new EvaluationException(
            "macro '" + macro.name() + "' takes at most " + parameters.size() + " arguments");
      }
      for (int i = 0; i < parameters.size(); i++) {
        Statement.Parameter parameter = parameters.get(i);
        Expression fallback = parameter.value();
        Object value;
        if (arguments.has(i, parameter.name())) {
          value = arguments.get(i, parameter.name(), null);
        } else if (fallback != null) {
          value = evaluator.evaluate(fallback, inner);
        } else {
          value = new Undefined("parameter '" + parameter.name() + "' was not provided");
        }
        inner.set(parameter.name(), value);
      }
      for (String name : arguments.named().keySet()) {
        if (name.equals(CALLER)) {
          inner.set(CALLER, arguments.named().get(CALLER));
        } else if (parameters.stream().noneMatch(parameter -> parameter.name().equals(name))) {
          throw new EvaluationException(
              "macro '" + macro.name() + "' has no parameter '" + name + "'");
        }
      }
      budget.enter();
      String text = captured(macro.body(), inner);
      budget.leave();
      return text;
    };
  }

  private void assign(Target target, @Nullable Object value, Scope scope, Position position) {
    switch (target) {
      case Target.Variable variable -> scope.set(variable.name(), value);
      case Target.Member member -> {
        if (!(scope.get(member.namespace()) instanceof Namespace namespace)) {
          throw new TemplateException(
              member.position(), "'" + member.namespace() + "' is not a namespace");
        }
        namespace.set(member.attribute(), value);
      }
      case Target.Several several -> {
        List<@Nullable Object> values;
        try {
          values = Operators.iterate(value, budget);
        } catch (EvaluationException e) {
          throw e.at(several.position());
        }
        if (values.size() != several.targets().size()) {
          throw new TemplateException(
              several.position(),
              "cannot assign %d values to %d names"
                  .formatted(values.size(), several.targets().size()));
        }
        for (int i = 0; i < values.size(); i++) {
          assign(several.targets().get(i), values.get(i), scope, position);
        }
      }
    }
  }
}
