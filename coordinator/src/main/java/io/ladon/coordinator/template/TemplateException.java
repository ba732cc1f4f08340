package io.ladon.coordinator.template;

/** A template that is wrong, or that refuses what it was given. Says where in the template. */
public final class TemplateException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final int line;
  private final int column;
  private final boolean refusal;

  TemplateException(Position position, String message) {
    this(position, message, false);
  }

  TemplateException(Position position, String message, boolean refusal) {
    super(
        "chat template, line %d, column %d: %s"
            .formatted(position.line(), position.column(), message));
    this.line = position.line();
    this.column = position.column();
    this.refusal = refusal;
  }

  /** The line, from 1. */
  public int line() {
    return line;
  }

  /** The column, from 1, in UTF-16 units. */
  public int column() {
    return column;
  }

  /**
   * Whether the template itself refused the messages ({@code raise_exception}), so that the request
   * is at fault and not the template.
   */
  public boolean isRefusal() {
    return refusal;
  }
}
