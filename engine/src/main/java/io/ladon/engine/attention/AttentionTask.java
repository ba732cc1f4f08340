package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.x86.AttentionParameters;
import io.ladon.engine.memory.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What an attention kernel is to do, and its scratch space: one for each thread, filled anew for
 * each call.
 *
 * <p>The queries are those of some heads of one KV head's group, for some consecutive tokens of one
 * sequence. A <em>row</em> is a head of a token, rows go token by token. Rows are computed four by
 * four; those that fill up the last four have no meaning.
 *
 * <p>A row's <em>state</em> is what the running softmax keeps of it: sums of weighted values (head
 * size, filled up to 32), sums of exponentials (16 lanes), and the largest score.
 */
final class AttentionTask {

  /** Positions of one tile of the running softmax. */
  static final int TILE = 64;

  /** Blocks of a tile. */
  static final int BLOCKS = TILE / KvCache.BLOCK;

  /** Tiles whose softmax runs on its own, before it is merged with those ahead. */
  static final int PART_TILES = 4;

  /** Virtual lanes in which the exponentials are added. */
  static final int LANES = 16;

  /** Rows that are computed side by side. */
  static final int TOGETHER = 4;

  /** Bytes from one row's scores to the next's. */
  static final long SCORES_STRIDE = 4L * TILE;

  int layer;

  /** Among the rank's KV heads. */
  int kvHead;

  /** KV blocks of the sequence. */
  int[] blocks = {};

  int tokens;

  /** Position of the first token. */
  int position;

  /** Heads, side by side in the queries. */
  int heads;

  /** Positions that a token sees, itself included; 0 for all. */
  int window;

  final int headSize;

  /** Bytes of a row's state. */
  final long stateStride;

  /** Address of the queries, float32, (rows, head size). */
  final long queries;

  /** Address of the states that a part is computed in, (rows). */
  final long part;

  /** Address of the states of all parts so far, (rows). */
  final long total;

  /** Address of the scores of a tile, then their exponentials, float32, (rows, 64). */
  final long scores;

  /** Address of keys or values of a tile as float32: (4 blocks, ...) as in the cache. */
  final long tile;

  /** Address of room for what machine code is called with. */
  final long parameters;

  /** Address of room for the numbers of a sequence's blocks, int32. */
  final long blockNumbers;

  /** Addresses of the tile's blocks, in the cache or in {@link #tile}. */
  final long[] blockAddresses = new long[BLOCKS];

  /** What the addresses lead to; keeps it alive. */
  @SuppressWarnings("UnusedVariable")
  private final MemorySegment scratch;

  /**
   * @param maxRows rows of one call
   * @param maxBlocks of a sequence
   */
  AttentionTask(Arena arena, int headSize, int maxRows, int maxBlocks) {
    this.headSize = headSize;
    this.stateStride = stateBytes(headSize);
    int rows = roundUp(maxRows, TOGETHER);
    long queryBytes = 4L * roundUp(rows * headSize, LANES);
    long tileBytes = 4L * TILE * headSize + 256; // vectors may be longer than a head
    long parameterBytes = AttentionParameters.bytes(rows);
    long bytes = queryBytes + 2L * rows * stateStride + rows * SCORES_STRIDE + tileBytes;
    bytes += parameterBytes + 4L * maxBlocks;
    this.scratch = arena.allocate(bytes, FloatTensor.ALIGNMENT);
    this.queries = scratch.address();
    this.part = queries + queryBytes;
    this.total = part + rows * stateStride;
    this.scores = total + rows * stateStride;
    this.tile = scores + rows * SCORES_STRIDE;
    this.parameters = tile + tileBytes;
    this.blockNumbers = parameters + parameterBytes;
  }

  /** Bytes of a state, a multiple of 64. */
  static long stateBytes(int headSize) {
    return 4L * (roundUp(headSize, 32) + LANES + LANES);
  }

  static int roundUp(int count, int unit) {
    return (count + unit - 1) / unit * unit;
  }

  /** Heads of tokens. */
  int rows() {
    return tokens * heads;
  }

  /** Address of the lanes in a state. */
  long lanes(long state) {
    return state + lanesOffset(stateStride);
  }

  static long lanesOffset(long stateBytes) {
    return stateBytes - 8L * LANES;
  }

  /** Address of the largest score in a state. */
  long max(long state) {
    return state + maxOffset(stateStride);
  }

  static long maxOffset(long stateBytes) {
    return stateBytes - 4L * LANES;
  }

  /** Position of a row's token; rows behind the last are like the last. */
  int position(int row) {
    return position + Math.min(row / heads, tokens - 1);
  }

  /** First position that a row sees. */
  int firstSeen(int row) {
    return window == 0 ? 0 : Math.max(0, position(row) - window + 1);
  }

  /** First position of a tile that a row sees, counted in the tile; may be behind its end. */
  int begin(int tileNumber, int row) {
    return Math.max(0, firstSeen(row) - tileNumber * TILE);
  }

  /** End of the positions of a tile that a row sees; may be before {@link #begin}. */
  int end(int tileNumber, int row) {
    return Math.min(TILE, position(row) + 1 - tileNumber * TILE);
  }

  /** Makes every state of some rows that of no position. */
  void clear(long states, int rows) {
    for (int row = 0; row < rows; row++) {
      long state = states + row * stateStride;
      zero(state, stateStride);
      NativeMemory.setFloat(max(state), Float.NEGATIVE_INFINITY);
    }
  }

  /** Clears bytes, a multiple of 4. */
  static void zero(long address, long bytes) {
    for (long end = address + bytes; address != end; address += 4) {
      NativeMemory.setFloat(address, 0f);
    }
  }

  /** Points every block at one address, so that none leads to nowhere. */
  void aim(long address) {
    Arrays.fill(blockAddresses, address);
  }
}
