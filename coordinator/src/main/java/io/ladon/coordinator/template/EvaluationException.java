package io.ladon.coordinator.template;

/** What goes wrong in an operation; the evaluator adds the place. */
final class EvaluationException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final boolean refusal;

  EvaluationException(String message) {
    this(message, false);
  }

  EvaluationException(String message, boolean refusal) {
    super(message);
    this.refusal = refusal;
  }

  TemplateException at(Position position) {
    String message = getMessage();
    return new TemplateException(position, message == null ? "error" : message, refusal);
  }
}
