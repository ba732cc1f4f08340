package io.ladon.coordinator.template;

import io.ladon.coordinator.template.Expression.Arguments;
import io.ladon.coordinator.template.Expression.Named;
import io.ladon.coordinator.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Parses expressions by Jinja's precedence, one method a level. */
final class ExpressionParser {

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenStream stream;

  ExpressionParser(TokenStream stream) {
    this.stream = stream;
  }

  Expression expression() {
    stream.enter();
    Expression value = or();
    while (stream.current().isName("if")) {
      Position position = stream.next().position();
      Expression condition = or();
      Expression otherwise = stream.skipName("else") ? expression() : null;
      value = new Expression.Conditional(position, condition, value, otherwise);
    }
    stream.leave();
    return value;
  }

  /** An expression that stops before {@code if}, as after {@code for x in}. */
  Expression unconditional() {
    return or();
  }

  /** One expression, or several with commas: a tuple. */
  Expression tuple(Supplier<Expression> element) {
    Position position = stream.position();
    Expression first = element.get();
    if (!stream.current().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (stream.skipOperator(",") && !endsTuple()) {
      items.add(element.get());
    }
    return new Expression.TupleLiteral(position, items);
  }

  private boolean endsTuple() {
    Token token = stream.current();
    return token.kind() == Kind.VARIABLE_END
        || token.kind() == Kind.BLOCK_END
        || token.isOperator(")");
  }

  private Expression or() {
    Expression left = and();
    while (stream.current().isName("or")) {
      Position position = stream.next().position();
      left = new Expression.Or(position, left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (stream.current().isName("and")) {
      Position position = stream.next().position();
      left = new Expression.And(position, left, not());
    }
    return left;
  }

  private Expression not() {
    if (!stream.current().isName("not")) {
      return comparison();
    }
    stream.enter();
    Position position = stream.next().position();
    Expression result = new Expression.Unary(position, "not", not());
    stream.leave();
    return result;
  }

  private Expression comparison() {
    Position position = stream.position();
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> others = new ArrayList<>();
    while (true) {
      Token token = stream.current();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(stream.next().text());
      } else if (stream.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && stream.look().isName("in")) {
        stream.next();
        stream.next();
        operators.add("not in");
      } else {
        break;
      }
      others.add(sum());
    }
    return operators.isEmpty()
        ? first
        : new Expression.Comparison(position, first, operators, others);
  }

  private Expression sum() {
    return binary(Set.of("+", "-"), this::concatenation);
  }

  private Expression concatenation() {
    return binary(Set.of("~"), this::product);
  }

  private Expression product() {
    return binary(Set.of("*", "/", "//", "%"), this::power);
  }

  private Expression power() {
    return binary(Set.of("**"), () -> unary(true));
  }

  private Expression binary(Set<String> operators, Supplier<Expression> operand) {
    Expression left = operand.get();
    while (stream.current().kind() == Kind.OPERATOR
        && operators.contains(stream.current().text())) {
      Token operator = stream.next();
      left = new Expression.Binary(operator.position(), operator.text(), left, operand.get());
    }
    return left;
  }

  private Expression unary(boolean withFilters) {
    Token token = stream.current();
    Expression value;
    if (token.isOperator("-") || token.isOperator("+")) {
      stream.enter();
      stream.next();
      value = new Expression.Unary(token.position(), token.text(), unary(false));
      stream.leave();
    } else {
      value = primary();
    }
    value = postfix(value);
    return withFilters ? filters(value) : value;
  }

  private Expression primary() {
    Token token = stream.current();
    Position position = token.position();
    return switch (token.kind()) {
      case NAME -> {
        stream.next();
        yield switch (token.text()) {
          case "true", "True" -> new Expression.Literal(position, true);
          case "false", "False" -> new Expression.Literal(position, false);
          case "none", "None" -> new Expression.Literal(position, null);
          default -> new Expression.Name(position, token.text());
        };
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (stream.current().kind() == Kind.STRING) {
          text.append(stream.next().text());
        }
        yield new Expression.Literal(position, text.toString());
      }
      case INTEGER, FLOAT -> {
        stream.next();
        yield new Expression.Literal(position, number(token));
      }
      case OPERATOR -> bracketed(token);
      default -> throw stream.unexpected("an expression");
    };
  }

  private static Object number(Token token) {
    try {
      if (token.kind() == Kind.INTEGER) {
        return Long.valueOf(token.text());
      }
      return Double.valueOf(token.text());
    } catch (NumberFormatException e) {
      throw new TemplateException(token.position(), "'" + token.text() + "' is out of range");
    }
  }

  private Expression bracketed(Token token) {
    return switch (token.text()) {
      case "(" -> {
        stream.next();
        Expression value =
            stream.current().isOperator(")")
                ? new Expression.TupleLiteral(token.position(), List.of())
                : tuple(this::expression);
        stream.expectOperator(")");
        yield value;
      }
      case "[" -> {
        stream.next();
        List<Expression> items = new ArrayList<>();
        while (!stream.skipOperator("]")) {
          items.add(expression());
          if (!stream.current().isOperator("]")) {
            stream.expectOperator(",");
          }
        }
        yield new Expression.ListLiteral(token.position(), items);
      }
      case "{" -> {
        stream.next();
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!stream.skipOperator("}")) {
          keys.add(expression());
          stream.expectOperator(":");
          values.add(expression());
          if (!stream.current().isOperator("}")) {
            stream.expectOperator(",");
          }
        }
        yield new Expression.DictLiteral(token.position(), keys, values);
      }
      default -> throw stream.unexpected("an expression");
    };
  }

  private Expression postfix(Expression operand) {
    Expression value = operand;
    while (true) {
      Token token = stream.current();
      if (token.isOperator(".")) {
        stream.next();
        value = member(value, token.position());
      } else if (token.isOperator("[")) {
        stream.next();
        value = subscript(value, token.position());
        stream.expectOperator("]");
      } else if (token.isOperator("(")) {
        value = new Expression.Call(token.position(), value, arguments());
      } else {
        return value;
      }
    }
  }

  private Expression member(Expression object, Position position) {
    Token member = stream.current();
    if (member.kind() == Kind.INTEGER) {
      stream.next();
      return new Expression.Item(
          position, object, new Expression.Literal(member.position(), number(member)));
    }
    return new Expression.Attribute(position, object, stream.name("a name or a number"));
  }

  private Expression subscript(Expression object, Position position) {
    Expression from = null;
    if (!stream.current().isOperator(":")) {
      from = tuple(this::expression);
      if (!stream.current().isOperator(":")) {
        return new Expression.Item(position, object, from);
      }
    }
    stream.expectOperator(":");
    Expression to = sliceEnd() ? null : expression();
    Expression step = null;
    if (stream.skipOperator(":")) {
      step = sliceEnd() ? null : expression();
    }
    return new Expression.Slice(position, object, from, to, step);
  }

  private boolean sliceEnd() {
    return stream.current().isOperator(":") || stream.current().isOperator("]");
  }

  private Expression filters(Expression operand) {
    Expression value = operand;
    while (true) {
      Token token = stream.current();
      if (token.isOperator("|")) {
        stream.next();
        value = filter(value);
      } else if (token.isName("is")) {
        value = test(value);
      } else if (token.isOperator("(")) {
        value = new Expression.Call(token.position(), value, arguments());
      } else {
        return value;
      }
    }
  }

  /** The filter whose name comes next, and those behind it if they follow with a bar. */
  Expression.Filter filterChain() {
    Expression.Filter chain = filter(null);
    while (stream.skipOperator("|")) {
      chain = filter(chain);
    }
    return chain;
  }

  private Expression.Filter filter(@Nullable Expression operand) {
    Position position = stream.position();
    String name = stream.name("the name of a filter");
    Arguments arguments = stream.current().isOperator("(") ? arguments() : Arguments.NONE;
    return new Expression.Filter(position, operand, name, arguments);
  }

  private Expression test(Expression operand) {
    stream.next(); // is
    boolean negated = stream.skipName("not");
    Position position = stream.position();
    String name = stream.name("the name of a test");
    Arguments arguments = Arguments.NONE;
    if (stream.current().isOperator("(")) {
      arguments = arguments();
    } else if (startsTestArgument(stream.current())) {
      arguments = new Arguments(List.of(postfix(primary())), List.of(), null, null);
    }
    Expression test = new Expression.Test(position, operand, name, arguments);
    return negated ? new Expression.Unary(position, "not", test) : test;
  }

  private static boolean startsTestArgument(Token token) {
    return switch (token.kind()) {
      case NAME -> !Set.of("else", "or", "and", "is", "if", "not", "in").contains(token.text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.isOperator("[") || token.isOperator("{");
      default -> false;
    };
  }

  Arguments arguments() {
    stream.enter();
    stream.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    List<Named> named = new ArrayList<>();
    Expression spread = null;
    Expression spreadNames = null;
    while (!stream.skipOperator(")")) {
      if (stream.skipOperator("*")) {
        spread = expression();
      } else if (stream.skipOperator("**")) {
        spreadNames = expression();
      } else if (stream.current().kind() == Kind.NAME && stream.look().isOperator("=")) {
        String name = stream.next().text();
        stream.next();
        named.add(new Named(name, expression()));
      } else if (named.isEmpty() && spread == null && spreadNames == null) {
        positional.add(expression());
      } else {
        throw stream.unexpected("a named argument");
      }
      if (!stream.current().isOperator(")")) {
        stream.expectOperator(",");
      }
    }
    stream.leave();
    return new Arguments(positional, named, spread, spreadNames);
  }
}
