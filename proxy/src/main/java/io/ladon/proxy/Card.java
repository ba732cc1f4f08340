package io.ladon.proxy;

/**
 * A node's network card: what one direction of it lets through, all connections of all proxies that
 * were given this card together.
 */
public final class Card {

  private static final int LEAST_CHUNK = 1 << 10;
  static final int MOST_CHUNK = 128 << 10;

  /** A chunk takes its card for about so long at most, so that connections share it evenly. */
  private static final long CHUNK_NANOS = 100_000;

  /** A card that lets everything through at once. */
  public static final Card UNLIMITED = new Card(0);

  final Rate out;
  final Rate in;

  /**
   * @param bytesPerSecond in each direction; 0 for no limit
   */
  public Card(long bytesPerSecond) {
    this.out = new Rate(bytesPerSecond);
    this.in = new Rate(bytesPerSecond);
  }

  /**
   * One direction of a card: bytes pass one after the other. Times are those of nanoTime. Proxies
   * that share a card call from threads of their own.
   */
  static final class Rate {
    private final long bytesPerSecond;
    private boolean used;
    private long free; // once it was used

    Rate(long bytesPerSecond) {
      this.bytesPerSecond = bytesPerSecond;
    }

    /** When so many bytes will be through that are there from a time on. */
    synchronized long pass(long start, int bytes) {
      if (bytesPerSecond == 0) {
        return start;
      }
      free = (used && free - start > 0 ? free : start) + nanos(bytes);
      used = true;
      return free;
    }

    /** How long bytes take. */
    long nanos(int bytes) {
      return bytesPerSecond == 0 ? 0 : Math.round(bytes * 1e9 / bytesPerSecond);
    }

    int chunkBytes() {
      return bytesPerSecond == 0
          ? MOST_CHUNK
          : Math.clamp(bytesPerSecond * CHUNK_NANOS / 1_000_000_000, LEAST_CHUNK, MOST_CHUNK);
    }
  }
}
