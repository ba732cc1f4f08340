package io.ladon.coordinator.template;

import io.ladon.coordinator.template.Token.Kind;
import java.util.List;

/** A place in the tokens of a template. */
final class TokenStream {

  /** A level takes some twenty calls, which must fit a thread's stack before they are compiled. */
  private static final int MOST_NESTED = 64;

  private final List<Token> tokens;
  private int at;
  private int depth;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(at);
  }

  Token look() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  Position position() {
    return current().position();
  }

  Token next() {
    Token token = current();
    if (at + 1 < tokens.size()) {
      at++;
    }
    return token;
  }

  boolean skipName(String name) {
    boolean found = current().isName(name);
    if (found) {
      next();
    }
    return found;
  }

  boolean skipOperator(String operator) {
    boolean found = current().isOperator(operator);
    if (found) {
      next();
    }
    return found;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("'" + name + "'");
    }
  }

  Token expect(Kind kind, String what) {
    if (current().kind() != kind) {
      throw unexpected(what);
    }
    return next();
  }

  String name(String what) {
    return expect(Kind.NAME, what).text();
  }

  /** What to throw where something else should stand. */
  TemplateException unexpected(String wanted) {
    return new TemplateException(
        position(), "expected " + wanted + ", found " + current().describe());
  }

  /** Enters a nested construct; a bound keeps the parser's own stack small. */
  void enter() {
    if (++depth > MOST_NESTED) {
      throw new TemplateException(position(), "nested more than " + MOST_NESTED + " deep");
    }
  }

  void leave() {
    depth--;
  }
}
