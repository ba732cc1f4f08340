package io.ladon.engine.plan;

/** Whole numbers {@code [begin, end)}. */
public record Range(int begin, int end) {

  public Range {
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException("no range: [" + begin + ", " + end + ")");
    }
  }

  public int size() {
    return end - begin;
  }

  public boolean isEmpty() {
    return end == begin;
  }

  /** This range with both ends multiplied. */
  public Range times(int factor) {
    return new Range(begin * factor, end * factor);
  }

  @Override
  public String toString() {
    return begin + ".." + (end - 1);
  }
}
