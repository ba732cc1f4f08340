package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.L;
import static io.ladon.engine.attention.AttentionSimd.load;
import static io.ladon.engine.attention.AttentionSimd.loadBytes;
import static io.ladon.engine.attention.AttentionSimd.loadHalves;
import static io.ladon.engine.attention.AttentionSimd.store;

import jdk.incubator.vector.FloatVector;

/** Blocks of keys and values as float32, exactly as {@link KvCache#key} reads them. */
final class VectorTile {

  private VectorTile() {}

  /**
   * @param count a multiple of 16
   */
  static void halves(long from, int count, long to) {
    for (long end = to + 4L * count; to != end; to += BYTES, from += BYTES / 2) {
      store(loadHalves(from), to);
    }
  }

  /** A block of int8 keys, (head size, 16 positions), with scales (groups, 16 positions). */
  static void keys(long from, long scales, int headSize, long to) {
    for (int lane = 0; lane < KvCache.BLOCK; lane += L) {
      for (int d = 0; d < headSize; d += KvType.GROUP) {
        long element = (long) d * KvCache.BLOCK + lane;
        int count = Math.min(KvType.GROUP, headSize - d);
        FloatVector scale = load(scales + 4L * (d / KvType.GROUP * KvCache.BLOCK + lane));
        keys(from + element, count, scale, to + 4 * element);
      }
    }
  }

  private static void keys(long from, int count, FloatVector scale, long to) {
    long end = from + (long) count * KvCache.BLOCK;
    for (; from != end; from += KvCache.BLOCK, to += 4L * KvCache.BLOCK) {
      store(loadBytes(from).mul(scale), to);
    }
  }

  /**
   * A block of int8 values, (16 positions, head size), with scales (16 positions, groups). Writes
   * up to a vector behind a head that no vectors fill; what comes next overwrites it.
   */
  static void values(long from, long scales, int headSize, long to) {
    for (int p = 0; p < KvCache.BLOCK; p++) {
      for (int d = 0; d < headSize; d += KvType.GROUP, scales += 4) {
        float scale = Memory.get(scales);
        int end = Math.min(headSize, d + KvType.GROUP);
        for (int i = d; i < end; i += L) {
          store(loadBytes(from + i).mul(scale), to + 4L * i);
        }
      }
      from += headSize;
      to += 4L * headSize;
    }
  }
}
