package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import java.lang.foreign.Arena;

/**
 * What an attention kernel is to do, and its scratch space: one for each thread, filled anew for
 * each call.
 *
 * <p>The queries are those of some heads of one KV head's group, for some consecutive tokens of one
 * sequence.
 */
final class AttentionTask {

  /** Positions of one tile of the running softmax. */
  static final int TILE = 64;

  /** Virtual lanes in which the exponentials are added. */
  static final int LANES = 16;

  int layer;

  /** Among the rank's KV heads. */
  int kvHead;

  /** KV blocks of the sequence. */
  int[] blocks = {};

  /** (tokens, ...) rotated and scaled queries, and where the results go. */
  FloatTensor queries;

  int queryColumn;
  FloatTensor out;
  int outColumn;

  /** Row of the first token in {@link #queries} and {@link #out}. */
  int row;

  int tokens;

  /** Position of the first token. */
  int position;

  /** Heads, side by side in {@link #queries} and {@link #out}. */
  int heads;

  /** Positions that a token sees, itself included; 0 for all. */
  int window;

  final int headSize;
  final int maxRows;

  /** Queries, (row, head size); a row is a head of a token. */
  final float[] q;

  /** Results in the making, (row, head size). */
  final float[] accumulator;

  /** Largest score so far, (row). */
  final float[] max;

  /** Sums of exponentials so far, (row, 16 lanes). */
  final float[] lanes;

  /** Keys of a tile as float32, (4 blocks, head size, 16 positions). */
  final float[] keys;

  /** Values of a tile as float32, (64 positions, head size). */
  final float[] values;

  /** Scores of one row in a tile, then their exponentials. */
  final float[] scores = new float[TILE];

  AttentionTask(int headSize, int maxRows) {
    this.headSize = headSize;
    this.maxRows = maxRows;
    this.q = new float[maxRows * headSize];
    this.accumulator = new float[maxRows * headSize];
    this.max = new float[maxRows];
    this.lanes = new float[maxRows * LANES];
    this.keys = new float[TILE * headSize];
    this.values = new float[TILE * headSize];
    this.queries = FloatTensor.allocate(Arena.ofAuto(), 0, 1);
    this.out = queries;
  }

  /** Heads of tokens. */
  int rows() {
    return tokens * heads;
  }
}
