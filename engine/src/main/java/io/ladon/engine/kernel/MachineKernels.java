package io.ladon.engine.kernel;

import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.Parameters;
import io.ladon.engine.model.ModelSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Kernels in machine code: products of quantised matrices, which is where a step's time goes, and
 * the quantising before them. All else is done by the vector kernels.
 */
final class MachineKernels implements Kernels {

  private final MachineCode code;
  private final VectorKernels vector;

  MachineKernels(MachineCode code) {
    this.code = code;
    this.vector = new VectorKernels();
  }

  @Override
  public String name() {
    return code.tier().label();
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
    VectorKernels.check(w, rowBegin, rowEnd, x, tokens, out, outColumn);
    MachineProduct.multiply(code.product(w.type()), w, rowBegin, rowEnd, x, tokens, out, outColumn);
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
    vector.multiply(w, rowBegin, rowEnd, x, tokens, out, outColumn);
  }

  @Override
  public void quantize(
      FloatTensor x,
      int rowBegin,
      int rowEnd,
      int columnBegin,
      int columnEnd,
      QuantizedActivations out) {
    int columns = columnEnd - columnBegin;
    int blocks = columns / QuantizedActivations.BLOCK;
    if (blocks == 0) {
      return;
    }
    long parameters = Scratch.ofThread().address(Scratch.Use.PREPARATION, Parameters.BYTES);
    for (int row = rowBegin; row < rowEnd; row++) {
      long first = (long) row * out.columns() + columnBegin;
      long block = first / QuantizedActivations.BLOCK;
      set(
          parameters + Parameters.QUANTIZE_FLOATS,
          VectorKernels.floats(x.segment(), (long) row * x.columns() + columnBegin, columns));
      set(
          parameters + Parameters.QUANTIZE_QUANTS,
          VectorKernels.address(out.quants(), first, columns));
      set(
          parameters + Parameters.QUANTIZE_SCALES,
          VectorKernels.floats(out.scales(), block, blocks));
      set(parameters + Parameters.QUANTIZE_SUMS, VectorKernels.floats(out.sums(), block, blocks));
      set(parameters + Parameters.QUANTIZE_BLOCKS, blocks);
      code.quantize(parameters);
    }
  }

  private static void set(long address, long value) {
    Simd.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, value);
  }

  @Override
  public void sumBlocks(QuantizedActivations x, int rowBegin, int rowEnd) {
    vector.sumBlocks(x, rowBegin, rowEnd);
  }

  @Override
  public void rmsNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      float epsilon,
      int length,
      MemorySegment y,
      long yOffset) {
    vector.rmsNorm(x, xOffset, weight, epsilon, length, y, yOffset);
  }

  @Override
  public void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int length) {
    vector.add(x, xOffset, y, yOffset, length);
  }

  @Override
  public void scale(MemorySegment y, long yOffset, int length, float factor) {
    vector.scale(y, yOffset, length, factor);
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
    vector.gate(activation, gate, gateOffset, up, upOffset, y, yOffset, length);
  }

  @Override
  public float max(MemorySegment x, long xOffset, int length) {
    return vector.max(x, xOffset, length);
  }

  @Override
  public float sumExp(
      MemorySegment x, long xOffset, int length, float max, float inverseTemperature) {
    return vector.sumExp(x, xOffset, length, max, inverseTemperature);
  }
}
