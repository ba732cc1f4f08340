package io.ladon.coordinator.template;

import io.ladon.coordinator.template.Statement.Target;
import io.ladon.coordinator.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Parses a whole template. */
final class StatementParser {

  private final TokenStream stream;
  private final ExpressionParser expressions;
  private int loops; // around the current statement

  private StatementParser(TokenStream stream) {
    this.stream = stream;
    this.expressions = new ExpressionParser(stream);
  }

  static List<Statement> parse(String template) {
    StatementParser parser = new StatementParser(new TokenStream(Lexer.tokenize(template)));
    return parser.body(Set.of());
  }

  /**
   * Statements up to a block that begins with one of these names; that name is the current token
   * then. Without names, up to the end of the template.
   */
  private List<Statement> body(Set<String> ends) {
    stream.enter();
    List<Statement> body = new ArrayList<>();
    while (true) {
      Token token = stream.current();
      switch (token.kind()) {
        case END -> {
          if (!ends.isEmpty()) {
            throw stream.unexpected(
                "'" + String.join("' or '", ends.stream().sorted().toList()) + "'");
          }
          stream.leave();
          return body;
        }
        case DATA -> body.add(new Statement.Data(stream.next().text()));
        case VARIABLE_BEGIN -> {
          stream.next();
          body.add(new Statement.Output(expressions.tuple(expressions::expression)));
          stream.expect(Kind.VARIABLE_END, "'}}'");
        }
        case BLOCK_BEGIN -> {
          stream.next();
          if (stream.current().kind() == Kind.NAME && ends.contains(stream.current().text())) {
            stream.leave();
            return body;
          }
          body.add(statement());
        }
        default -> throw stream.unexpected("text or a tag");
      }
    }
  }

  private void endOfBlock() {
    stream.expect(Kind.BLOCK_END, "'%}'");
  }

  /** A body, and its closing block. */
  private List<Statement> closedBody(String end) {
    List<Statement> body = body(Set.of(end));
    stream.next();
    endOfBlock();
    return body;
  }

  private Statement statement() {
    Token token = stream.expect(Kind.NAME, "the name of a block");
    Position position = token.position();
    return switch (token.text()) {
      case "if" -> ifStatement();
      case "for" -> forStatement(position);
      case "set" -> setStatement(position);
      case "macro" -> macro(position);
      case "call" -> callBlock(position);
      case "filter" -> {
        Expression.Filter filter = expressions.filterChain();
        endOfBlock();
        yield new Statement.FilterBlock(position, filter, closedBody("endfilter"));
      }
      case "with" -> with(position);
      case "generation" -> {
        endOfBlock();
        yield new Statement.Block(closedBody("endgeneration"));
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw new TemplateException(position, "'" + token.text() + "' outside of a loop");
        }
        endOfBlock();
        yield new Statement.Jump(token.text().equals("break"));
      }
      default ->
          throw new TemplateException(
              position, "the block '" + token.text() + "' is not known here");
    };
  }

  private Statement ifStatement() {
    List<Statement.Branch> branches = new ArrayList<>();
    List<Statement> otherwise = List.of();
    while (true) {
      Expression condition = expressions.tuple(expressions::expression);
      endOfBlock();
      branches.add(new Statement.Branch(condition, body(Set.of("elif", "else", "endif"))));
      String next = stream.next().text();
      if (next.equals("elif")) {
        continue;
      }
      endOfBlock();
      if (next.equals("else")) {
        otherwise = closedBody("endif");
      }
      return new Statement.If(branches, otherwise);
    }
  }

  private Statement forStatement(Position position) {
    Target target = target();
    stream.expectName("in");
    Expression iterable = expressions.tuple(expressions::unconditional);
    Expression condition = stream.skipName("if") ? expressions.expression() : null;
    boolean recursive = stream.skipName("recursive");
    endOfBlock();
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"));
    loops--;
    boolean hasElse = stream.next().text().equals("else");
    endOfBlock();
    List<Statement> otherwise = hasElse ? closedBody("endfor") : List.of();
    return new Statement.For(position, target, iterable, condition, recursive, body, otherwise);
  }

  private Statement setStatement(Position position) {
    Target target = target();
    if (stream.skipOperator("=")) {
      Expression value = expressions.tuple(expressions::expression);
      endOfBlock();
      return new Statement.Set(position, target, value);
    }
    Expression.Filter filter = stream.skipOperator("|") ? expressions.filterChain() : null;
    endOfBlock();
    return new Statement.SetBlock(position, target, filter, closedBody("endset"));
  }

  private Target target() {
    Position position = stream.position();
    List<Target> targets = new ArrayList<>();
    boolean several = false;
    do {
      boolean ends = stream.current().isName("in") || stream.current().isOperator("=");
      if (ends && several) {
        break; // a comma may end the list
      }
      targets.add(singleTarget());
      several |= stream.current().isOperator(",");
    } while (stream.skipOperator(","));
    return several ? new Target.Several(position, targets) : targets.getFirst();
  }

  private Target singleTarget() {
    if (stream.skipOperator("(")) {
      Target inner = target();
      stream.expectOperator(")");
      return inner;
    }
    Position position = stream.position();
    String name = stream.name("a name to assign to");
    if (Set.of("true", "false", "none", "True", "False", "None").contains(name)) {
      throw new TemplateException(position, "cannot assign to '" + name + "'");
    }
    if (stream.skipOperator(".")) {
      return new Target.Member(position, name, stream.name("the name of an attribute"));
    }
    return new Target.Variable(name);
  }

  private Statement.Macro macro(Position position) {
    String name = stream.name("the name of the macro");
    List<Statement.Parameter> parameters = parameters();
    endOfBlock();
    return new Statement.Macro(position, name, parameters, macroBody("endmacro"));
  }

  /** A body in which an outer loop cannot be left. */
  private List<Statement> macroBody(String end) {
    int outer = loops;
    loops = 0;
    List<Statement> body = closedBody(end);
    loops = outer;
    return body;
  }

  private List<Statement.Parameter> parameters() {
    List<Statement.Parameter> parameters = new ArrayList<>();
    stream.expectOperator("(");
    while (!stream.skipOperator(")")) {
      String name = stream.name("the name of a parameter");
      Expression value = stream.skipOperator("=") ? expressions.expression() : null;
      parameters.add(new Statement.Parameter(name, value));
      if (!stream.current().isOperator(")")) {
        stream.expectOperator(",");
      }
    }
    return parameters;
  }

  private Statement callBlock(Position position) {
    List<Statement.Parameter> parameters =
        stream.current().isOperator("(") ? parameters() : List.of();
    Position callPosition = stream.position();
    if (!(expressions.expression() instanceof Expression.Call call)) {
      throw new TemplateException(callPosition, "expected a call");
    }
    endOfBlock();
    Statement.Macro caller =
        new Statement.Macro(position, "caller", parameters, macroBody("endcall"));
    return new Statement.CallBlock(caller, call);
  }

  private Statement with(Position position) {
    List<Statement.Set> assignments = new ArrayList<>();
    while (stream.current().kind() != Kind.BLOCK_END) {
      Target target = singleTarget();
      stream.expectOperator("=");
      assignments.add(new Statement.Set(position, target, expressions.expression()));
      if (stream.current().kind() != Kind.BLOCK_END) {
        stream.expectOperator(",");
      }
    }
    endOfBlock();
    return new Statement.With(assignments, closedBody("endwith"));
  }
}
