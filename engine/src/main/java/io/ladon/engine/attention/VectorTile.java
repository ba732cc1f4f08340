package io.ladon.engine.attention;

import static io.ladon.engine.attention.AttentionSimd.BYTES;
import static io.ladon.engine.attention.AttentionSimd.L;
import static io.ladon.engine.attention.AttentionSimd.broadcast;
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
    for (int d = 0; d < headSize; d += KvType.GROUP) {
      int elements = Math.min(KvType.GROUP, headSize - d) * KvCache.BLOCK;
      for (int lane = 0; lane < KvCache.BLOCK; lane += L) {
        keyLanes(from + lane, from + lane + elements, scales + 4L * lane, to + 4L * lane);
      }
      from += elements;
      to += 4L * elements;
      scales += 4L * KvCache.BLOCK;
    }
  }

  /** A vector of positions of every head element of a group. */
  private static void keyLanes(long from, long end, long scales, long to) {
    FloatVector scale = load(scales);
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
        int elements = Math.min(KvType.GROUP, headSize - d);
        group(from, elements, scales, to);
        from += elements;
        to += 4L * elements;
      }
    }
  }

  private static void group(long from, int elements, long scaleAt, long to) {
    FloatVector scale = broadcast(scaleAt);
    for (int i = 0; i < elements; i += L) {
      store(loadBytes(from + i).mul(scale), to + 4L * i);
    }
  }
}
