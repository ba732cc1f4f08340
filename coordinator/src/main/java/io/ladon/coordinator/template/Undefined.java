package io.ladon.coordinator.template;

/**
 * What a missing variable or attribute gives: prints as nothing, is false and empty; anything else
 * is an error.
 *
 * @param problem what is missing, for the message of that error
 */
record Undefined(String problem) {

  static Undefined variable(String name) {
    return new Undefined("'" + name + "' is undefined");
  }

  EvaluationException error() {
    return new EvaluationException(problem);
  }
}
