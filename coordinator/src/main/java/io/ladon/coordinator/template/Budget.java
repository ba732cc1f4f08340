package io.ladon.coordinator.template;

/**
 * What a template may use up: a template comes with a model file from anywhere, and must not be
 * able to hang the coordinator or exhaust its memory.
 */
final class Budget {

  private static final int CHARACTERS_PER_STEP = 16;
  private static final int MOST_DEPTH = 250;

  private final int mostCharacters;
  private long steps;
  private int depth;

  /**
   * A budget.
   *
   * @param steps evaluations of an expression or statement; 16 characters of a new string count as
   *     one
   * @param mostCharacters of the output, and of any string in between
   */
  Budget(long steps, int mostCharacters) {
    this.steps = steps;
    this.mostCharacters = mostCharacters;
  }

  void step() {
    spend(1);
  }

  void spend(long amount) {
    steps -= amount;
    if (steps < 0) {
      throw new EvaluationException("the template takes too many steps");
    }
  }

  /** Pays for characters about to be produced. */
  void characters(long count) {
    if (count > mostCharacters) {
      throw new EvaluationException("a text of more than " + mostCharacters + " characters");
    }
    spend(count / CHARACTERS_PER_STEP);
  }

  /** Checks the length of the output so far. */
  void output(long characters) {
    if (characters > mostCharacters) {
      throw new EvaluationException("an output of more than " + mostCharacters + " characters");
    }
  }

  void enter() {
    if (++depth > MOST_DEPTH) {
      throw new EvaluationException("the template nests too deep");
    }
  }

  void leave() {
    depth--;
  }
}
