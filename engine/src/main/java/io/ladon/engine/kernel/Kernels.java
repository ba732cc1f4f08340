package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.model.ModelSpec;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The arithmetic of a rank. Every implementation gives the same bits: the order of each float
 * operation is part of the contract.
 *
 * <p>Offsets and lengths are in elements, not bytes. Arguments are checked by the callers, not
 * here. Methods that take a range of rows may be called from several threads for disjoint ranges.
 */
public interface Kernels {

  /** For logs and figures, e.g. {@code scalar} or {@code vector-512}. */
  String name();

  /**
   * Reads some bytes of memory off heap, a few less if need be, so that this core's caches have
   * them when they are needed. Where there is no quick way to do that, nothing happens.
   */
  default void read(MemorySegment memory, long offset, long bytes) {}

  /**
   * Takes some bytes of memory off heap, a few less if need be, out of all caches: what reads them
   * next reads memory. Where there is no way to do that, nothing happens.
   */
  default void evict(MemorySegment memory, long offset, long bytes) {}

  /**
   * How far ahead products can fetch weights from memory. Which is the best depends on the CPU, on
   * the weights' type and on how many tokens there are; until {@link #fetchAhead} says otherwise it
   * is the first. Empty where there is no choice. Only the speed depends on it.
   */
  default List<FetchDistance> fetchDistances() {
    return List.of();
  }

  /**
   * Chooses one of {@link #fetchDistances}.
   *
   * @param type of the weights
   * @param tokens one or two are alike, and so are all other numbers
   * @throws IllegalArgumentException if it is none of them
   */
  default void fetchAhead(TensorType type, int tokens, FetchDistance distance) {
    throw new IllegalArgumentException(distance + " bytes, where there is no choice");
  }

  /** The one of {@link #fetchDistances} that is in use. */
  default FetchDistance fetchDistance(TensorType type, int tokens) {
    return FetchDistance.NONE;
  }

  /**
   * Multiplies rows {@code [rowBegin, rowEnd)} of a packed quantised matrix with int8 activations.
   *
   * <p>For each row and 32-block in order: {@code acc = fma((float) intDot, weightScale *
   * activationScale, acc)}, and where the format has a minimum then {@code acc = fma(minimum,
   * activationScale * (float) activationSum, acc)}. Every leaf of the matrix starts at zero; leaves
   * are added in the order of {@link io.ladon.engine.plan.LeafTree}. A matrix that has no leaves is
   * one leaf.
   *
   * @param rowBegin multiple of 16
   * @param rowEnd multiple of 16, or the matrix's last row
   * @param x (tokens, w.columns)
   * @param out one matrix (at least tokens, at least {@code outColumn + rowEnd}) for each root of
   *     {@code w.roots()}; element (t, outColumn + r) is written for every token t and row r
   */
  void multiply(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      QuantizedActivations x,
      int tokens,
      FloatTensor[] out,
      int outColumn);

  /**
   * The same for a packed matrix of floats (F32, F16, BF16) and float32 activations: for each
   * column in order {@code acc = fma(weight, x, acc)} in each leaf.
   */
  void multiply(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      FloatTensor x,
      int tokens,
      FloatTensor[] out,
      int outColumn);

  /**
   * Quantises columns {@code [columnBegin, columnEnd)} (multiples of 32) of some rows of {@code x}
   * to the same place in {@code out}, sums included.
   */
  default void quantize(
      FloatTensor x,
      int rowBegin,
      int rowEnd,
      int columnBegin,
      int columnEnd,
      QuantizedActivations out) {
    quantize(x, rowBegin, rowEnd, columnBegin, columnEnd, out, rowBegin);
  }

  /**
   * The same to other rows of {@code out}.
   *
   * @param outRow where {@code rowBegin} goes
   */
  void quantize(
      FloatTensor x,
      int rowBegin,
      int rowEnd,
      int columnBegin,
      int columnEnd,
      QuantizedActivations out,
      int outRow);

  /** Fills {@code x.sums()} of some rows from the quants, for activations that came without. */
  void sumBlocks(QuantizedActivations x, int rowBegin, int rowEnd);

  /**
   * {@code y[i] = x[i] * (1 / sqrt(mean(x^2) + epsilon)) * weight[i]}. The squares are added in 16
   * lanes, {@code lane[i % 16] = fma(x[i], x[i], lane[i % 16])}, and the lanes in the tree (i, i +
   * 8), (i, i + 4), (i, i + 2), (i, i + 1). {@code x} and {@code y} may be the same.
   *
   * @param rows vectors that are normed, each on its own, which follow each other in {@code x} and
   *     in {@code y}
   */
  void rmsNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      float epsilon,
      int length,
      int rows,
      MemorySegment y,
      long yOffset);

  /** {@code y[i] = y[i] + x[i]}. */
  void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int length);

  /** {@code y[i] = y[i] * factor}. */
  void scale(MemorySegment y, long yOffset, int length, float factor);

  /** {@code y[i] = activation(gate[i]) * up[i]}; {@code y} may be {@code gate}. */
  void gate(
      ModelSpec.Activation activation,
      MemorySegment gate,
      long gateOffset,
      MemorySegment up,
      long upOffset,
      MemorySegment y,
      long yOffset,
      int length);

  /**
   * Largest of each of some vectors that follow each other: -infinity of none, NaN where there is
   * one. Of zeros of both signs it may be either.
   *
   * @param x (vectors, length)
   * @param y (vectors)
   */
  void max(MemorySegment x, long xOffset, int length, int vectors, MemorySegment y, long yOffset);

  /**
   * Of each of some vectors that follow each other the sum of {@code exp((x[i] - max) *
   * inverseTemperature)}, in 16 lanes and the tree of {@link #rmsNorm}, with the project's own
   * exponential ({@link Exponential}).
   *
   * @param x (vectors, length)
   * @param max (vectors)
   * @param y (vectors)
   */
  void sumExp(
      MemorySegment x,
      long xOffset,
      int length,
      int vectors,
      MemorySegment max,
      long maxOffset,
      float inverseTemperature,
      MemorySegment y,
      long yOffset);
}
