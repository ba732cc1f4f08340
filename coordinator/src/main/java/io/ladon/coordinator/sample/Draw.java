package io.ladon.coordinator.sample;

/**
 * Random numbers that depend on nothing but a seed and an index: so a text does not depend on what
 * else the cluster does, nor on where it was interrupted. The mixing function is SplitMix64's
 * (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
 */
final class Draw {

  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private Draw() {}

  /** Evenly distributed in [0, 1). */
  static double uniform(long seed, long index) {
    return (mix(mix(seed) + (index + 1) * GOLDEN_GAMMA) >>> 11) * 0x1.0p-53;
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
