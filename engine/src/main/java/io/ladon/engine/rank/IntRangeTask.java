package io.ladon.engine.rank;

/** Work on a range of independent items. */
@FunctionalInterface
public interface IntRangeTask {

  /**
   * Does items {@code [begin, end)}.
   *
   * @param thread who does it, 0 .. {@link ThreadTeam#threads()} - 1, for scratch space of its own
   */
  void run(int thread, int begin, int end);
}
