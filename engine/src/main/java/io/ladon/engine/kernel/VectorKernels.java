package io.ladon.engine.kernel;

import static io.ladon.engine.memory.NativeMemory.address;
import static io.ladon.engine.memory.NativeMemory.floats;

import io.ladon.engine.model.ModelSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Kernels in the Vector API, for any width from 128 to 512 bits: the same code and the same bits.
 * They address memory by number, so every segment must be off heap; bounds are checked here.
 */
public final class VectorKernels implements Kernels {

  @Override
  public String name() {
    return "vector-" + Simd.BITS;
  }

  @Override
  public void multiply(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      QuantizedActivations x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    ProductCheck.check(w, rowBegin, rowEnd, x, tokens, out, outColumn);
    VectorMultiply.multiply(w, rowBegin, rowEnd, x, tokens, out, outColumn);
  }

  @Override
  public void multiply(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      FloatTensor x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    ProductCheck.check(w, rowBegin, rowEnd, x, tokens, out, outColumn);
    VectorMultiply.multiply(w, rowBegin, rowEnd, x, tokens, out, outColumn);
  }

  @Override
  public void quantize(
      FloatTensor x,
      int rowBegin,
      int rowEnd,
      int columnBegin,
      int columnEnd,
      QuantizedActivations out,
      int outRow) {
    int columns = columnEnd - columnBegin;
    int blocks = columns / QuantizedActivations.BLOCK;
    for (int row = rowBegin; row < rowEnd; row++) {
      long first = (long) (outRow + row - rowBegin) * out.columns() + columnBegin;
      long block = first / QuantizedActivations.BLOCK;
      VectorQuantizer.quantize(
          floats(x.segment(), (long) row * x.columns() + columnBegin, columns),
          blocks,
          address(out.quants(), first, columns),
          floats(out.scales(), block, blocks),
          floats(out.sums(), block, blocks));
    }
  }

  @Override
  public void sumBlocks(QuantizedActivations x, int rowBegin, int rowEnd) {
    long first = (long) rowBegin * x.blocks();
    long blocks = (long) (rowEnd - rowBegin) * x.blocks();
    VectorQuantizer.sumBlocks(
        address(
            x.quants(), first * QuantizedActivations.BLOCK, blocks * QuantizedActivations.BLOCK),
        blocks,
        floats(x.sums(), first, blocks));
  }

  @Override
  public void rmsNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      float epsilon,
      int length,
      int rows,
      MemorySegment y,
      long yOffset) {
    for (int row = 0; row < rows; row++) {
      long begin = (long) row * length;
      VectorMath.rmsNorm(
          floats(x, xOffset + begin, length),
          floats(weight, 0, length),
          epsilon,
          length,
          floats(y, yOffset + begin, length));
    }
  }

  @Override
  public void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int length) {
    VectorMath.add(floats(x, xOffset, length), floats(y, yOffset, length), length);
  }

  @Override
  public void scale(MemorySegment y, long yOffset, int length, float factor) {
    VectorMath.scale(floats(y, yOffset, length), length, factor);
  }

  @Override
  public void gate(
      ModelSpec.Activation activation,
      MemorySegment gate,
      long gateOffset,
      MemorySegment up,
      long upOffset,
      MemorySegment y,
      long yOffset,
      int length) {
    VectorMath.gate(
        activation,
        floats(gate, gateOffset, length),
        floats(up, upOffset, length),
        floats(y, yOffset, length),
        length);
  }

  @Override
  public void max(
      MemorySegment x, long xOffset, int length, int vectors, MemorySegment y, long yOffset) {
    long from = floats(x, xOffset, Math.multiplyExact(length, vectors));
    for (int v = 0; v < vectors; v++) {
      float largest = VectorMath.max(from + (long) Float.BYTES * length * v, length);
      y.setAtIndex(ValueLayout.JAVA_FLOAT, yOffset + v, largest);
    }
  }

  @Override
  public void sumExp(
      MemorySegment x,
      long xOffset,
      int length,
      int vectors,
      MemorySegment max,
      long maxOffset,
      float inverseTemperature,
      MemorySegment y,
      long yOffset) {
    long from = floats(x, xOffset, Math.multiplyExact(length, vectors));
    for (int v = 0; v < vectors; v++) {
      float largest = max.getAtIndex(ValueLayout.JAVA_FLOAT, maxOffset + v);
      long vector = from + (long) Float.BYTES * length * v;
      float sum = VectorMath.sumExp(vector, length, largest, inverseTemperature);
      y.setAtIndex(ValueLayout.JAVA_FLOAT, yOffset + v, sum);
    }
  }
}
