package io.ladon.engine.plan;

import org.jspecify.annotations.Nullable;

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

  // As a record's own; but those take the JVM some ms to put together when a process starts.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Range range && begin == range.begin && end == range.end;
  }

  @Override
  public int hashCode() {
    return 31 * begin + end;
  }

  @Override
  public String toString() {
    return begin + ".." + (end - 1);
  }
}
