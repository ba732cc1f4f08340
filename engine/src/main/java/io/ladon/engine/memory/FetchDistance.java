package io.ladon.engine.memory;

/**
 * How far ahead of what is being read the code fetches what follows it in memory.
 *
 * @param nearBytes to the L1 cache
 * @param farBytes to the L2 cache, which waits for more lines at once
 */
public record FetchDistance(int nearBytes, int farBytes) {

  /** Not at all: the CPU does it by itself. */
  public static final FetchDistance NONE = new FetchDistance(0, 0);

  /** As it stands in a log. */
  @Override
  public String toString() {
    return nearBytes + "/" + farBytes;
  }
}
