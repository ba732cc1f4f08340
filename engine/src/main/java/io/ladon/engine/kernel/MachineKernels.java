package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.x86.AmxFunctions;
import io.ladon.engine.kernel.x86.AttentionFunctions;
import io.ladon.engine.kernel.x86.AttentionLayout;
import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.MachineCode.Function;
import io.ladon.engine.kernel.x86.Parameters;
import io.ladon.engine.kernel.x86.ProductFunctions;
import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.memory.NativeMemory;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Kernels in machine code. What does not fill 16 lanes, which is the end of a vector at most, is
 * left to the scalar kernels.
 */
public final class MachineKernels implements Kernels {

  /** Floats that the code takes at once. */
  private static final int UNIT = 16;

  /** Tokens up to which weights are read as quickly as the CPU can. */
  private static final int FEW_TOKENS = 2;

  /** Each type of weights, with few tokens or more. */
  private static final int USES_OF_WEIGHTS = 2 * TensorType.values().length;

  private final MachineCode code;
  private final ScalarKernels scalar;
  private final AtomicReferenceArray<FetchDistance> distances =
      new AtomicReferenceArray<>(USES_OF_WEIGHTS);

  MachineKernels(MachineCode code) {
    this.code = code;
    this.scalar = new ScalarKernels();
    for (int use = 0; use < USES_OF_WEIGHTS; use++) {
      distances.set(use, ProductFunctions.FETCH_DISTANCES.getFirst());
    }
  }

  private static int use(TensorType type, int tokens) {
    return 2 * type.ordinal() + (tokens <= FEW_TOKENS ? 0 : 1);
  }

  @Override
  public String name() {
    return code.tier().label();
  }

  @Override
  public List<FetchDistance> fetchDistances() {
    return ProductFunctions.FETCH_DISTANCES;
  }

  @Override
  public void fetchAhead(TensorType type, int tokens, FetchDistance distance) {
    if (!ProductFunctions.FETCH_DISTANCES.contains(distance)) {
      throw new IllegalArgumentException(
          "%s bytes, none of %s".formatted(distance, ProductFunctions.FETCH_DISTANCES));
    }
    distances.set(use(type, tokens), distance);
  }

  @Override
  public FetchDistance fetchDistance(TensorType type, int tokens) {
    return distances.get(use(type, tokens));
  }

  @Override
  public void read(MemorySegment memory, long offset, long bytes) {
    walk(Function.READ, memory, offset, bytes);
  }

  @Override
  public void evict(MemorySegment memory, long offset, long bytes) {
    walk(Function.EVICT, memory, offset, bytes);
  }

  private void walk(Function function, MemorySegment memory, long offset, long bytes) {
    long units = bytes / MachineCode.READ_UNIT;
    if (units > 0) {
      code.call(function, units, NativeMemory.address(memory, offset, bytes), 0, 0, 0, 0);
    }
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
    long quants = x.quants().address();
    long scales = x.scales().address();
    AmxFunctions ofMany = code.productOfMany(w.type());
    if (ofMany != null && tokens >= ofMany.minTokens()) {
      AmxProduct.multiply(ofMany, w, rowBegin, rowEnd, quants, scales, tokens, out, outColumn);
    } else {
      MachineProduct.multiply(
          code.product(w.type(), tokens),
          w,
          rowBegin,
          rowEnd,
          quants,
          scales,
          tokens,
          out,
          outColumn,
          fetchDistance(w.type(), tokens));
    }
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
    long floats = x.segment().address();
    MachineProduct.multiply(
        code.product(w.type(), tokens),
        w,
        rowBegin,
        rowEnd,
        floats,
        0,
        tokens,
        out,
        outColumn,
        fetchDistance(w.type(), tokens));
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
    boolean whole = columnEnd - columnBegin == x.columns() && x.columns() == out.columns();
    int together = whole ? rowEnd - rowBegin : 1; // whole rows follow each other
    int columns = together * (columnEnd - columnBegin);
    int blocks = columns / QuantizedActivations.BLOCK;
    if (blocks < Parameters.QUANTIZE_GROUP) {
      scalar.quantize(x, rowBegin, rowEnd, columnBegin, columnEnd, out, outRow);
      return;
    }
    for (int row = rowBegin; row < rowEnd; row += together) {
      long from = (long) row * x.columns() + columnBegin;
      long to = (long) (outRow + row - rowBegin) * out.columns() + columnBegin;
      int groups = blocks / Parameters.QUANTIZE_GROUP;
      quantizeGroups(x, from, out, to, groups);
      if (groups * Parameters.QUANTIZE_GROUP < blocks) { // the last group begins among those done
        int done = columns - Parameters.QUANTIZE_GROUP * QuantizedActivations.BLOCK;
        quantizeGroups(x, from + done, out, to + done, 1);
      }
    }
  }

  /** Quantises consecutive groups of blocks; {@code from} and {@code to} count elements. */
  private void quantizeGroups(
      FloatTensor x, long from, QuantizedActivations out, long to, int groups) {
    long parameters = Scratch.ofThread().address(Scratch.Use.PREPARATION, Parameters.BYTES);
    long blocks = (long) groups * Parameters.QUANTIZE_GROUP;
    long columns = blocks * QuantizedActivations.BLOCK;
    long block = to / QuantizedActivations.BLOCK;
    NativeMemory.setLong(
        parameters + Parameters.QUANTIZE_FLOATS, NativeMemory.floats(x.segment(), from, columns));
    NativeMemory.setLong(
        parameters + Parameters.QUANTIZE_QUANTS, NativeMemory.address(out.quants(), to, columns));
    NativeMemory.setLong(
        parameters + Parameters.QUANTIZE_SCALES, NativeMemory.floats(out.scales(), block, blocks));
    NativeMemory.setLong(
        parameters + Parameters.QUANTIZE_SUMS, NativeMemory.floats(out.sums(), block, blocks));
    NativeMemory.setLong(parameters + Parameters.QUANTIZE_GROUPS, groups);
    code.call(Function.QUANTIZE, parameters, 0, 0, 0, 0, 0);
  }

  @Override
  public void sumBlocks(QuantizedActivations x, int rowBegin, int rowEnd) {
    long first = (long) rowBegin * x.blocks();
    long blocks = (long) (rowEnd - rowBegin) * x.blocks();
    if (blocks > 0) {
      long quants =
          NativeMemory.address(
              x.quants(), first * QuantizedActivations.BLOCK, blocks * QuantizedActivations.BLOCK);
      long sums = NativeMemory.floats(x.sums(), first, blocks);
      code.call(Function.SUM_BLOCKS, quants, sums, blocks, 0, 0, 0);
    }
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
    if (length == 0 || length % UNIT != 0 || rows == 0) {
      scalar.rmsNorm(x, xOffset, weight, epsilon, length, rows, y, yOffset);
      return;
    }
    int all = Math.multiplyExact(length, rows);
    code.call(
        Function.NORM,
        NativeMemory.floats(x, xOffset, all),
        NativeMemory.floats(weight, 0, length),
        NativeMemory.floats(y, yOffset, all),
        MachineCode.pair(length / UNIT, rows),
        Float.floatToRawIntBits(length),
        Float.floatToRawIntBits(epsilon));
  }

  @Override
  public void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int length) {
    int whole = whole(length);
    if (whole > 0) {
      long from = NativeMemory.floats(x, xOffset, whole);
      code.call(Function.ADD, from, NativeMemory.floats(y, yOffset, whole), whole / UNIT, 0, 0, 0);
    }
    if (whole < length) {
      scalar.add(x, xOffset + whole, y, yOffset + whole, length - whole);
    }
  }

  @Override
  public void scale(MemorySegment y, long yOffset, int length, float factor) {
    int whole = whole(length);
    if (whole > 0) {
      long address = NativeMemory.floats(y, yOffset, whole);
      int bits = Float.floatToRawIntBits(factor);
      code.call(Function.SCALE, address, whole / UNIT, bits, 0, 0, 0);
    }
    if (whole < length) {
      scalar.scale(y, yOffset + whole, length - whole, factor);
    }
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
    int whole = whole(length);
    if (whole > 0) {
      code.call(
          switch (activation) {
            case SILU -> Function.SILU;
            case GELU_TANH -> Function.GELU_TANH;
          },
          NativeMemory.floats(gate, gateOffset, whole),
          NativeMemory.floats(up, upOffset, whole),
          NativeMemory.floats(y, yOffset, whole),
          whole / UNIT,
          0,
          0);
    }
    if (whole < length) {
      scalar.gate(
          activation,
          gate,
          gateOffset + whole,
          up,
          upOffset + whole,
          y,
          yOffset + whole,
          length - whole);
    }
  }

  @Override
  public void max(
      MemorySegment x, long xOffset, int length, int vectors, MemorySegment y, long yOffset) {
    if (length == 0 || length % UNIT != 0 || vectors == 0) {
      scalar.max(x, xOffset, length, vectors, y, yOffset);
      return;
    }
    code.call(
        Function.MAX,
        NativeMemory.floats(x, xOffset, Math.multiplyExact(length, vectors)),
        length / UNIT,
        vectors,
        NativeMemory.floats(y, yOffset, vectors),
        0,
        0);
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
    if (length == 0 || length % UNIT != 0 || vectors == 0) {
      scalar.sumExp(x, xOffset, length, vectors, max, maxOffset, inverseTemperature, y, yOffset);
      return;
    }
    code.call(
        Function.SUM_EXP,
        NativeMemory.floats(x, xOffset, Math.multiplyExact(length, vectors)),
        length / UNIT,
        vectors,
        NativeMemory.floats(max, maxOffset, vectors),
        Float.floatToRawIntBits(inverseTemperature),
        NativeMemory.floats(y, yOffset, vectors));
  }

  /** Attention over keys and values of some layout. */
  public AttentionFunctions attention(AttentionLayout layout) {
    try {
      return code.attention(layout);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Rotates the heads of tokens at consecutive positions, if there is code for so many dimensions.
   *
   * @param x address of the first token's first head; heads and tokens follow each other
   * @param heads of a token
   * @param headBytes from one head to the next
   * @param tokens of consecutive positions, whose rows of the table follow each other
   * @param table address of the first position's row of a {@code RopeTable}
   * @return whether there is
   */
  public boolean rotate(
      RopeSpec.Style style,
      int dimensions,
      long x,
      int heads,
      long headBytes,
      int tokens,
      long table) {
    int elements = style == RopeSpec.Style.ADJACENT ? dimensions : dimensions / 2;
    if (elements == 0 || elements % UNIT != 0) {
      return false;
    }
    code.call(
        switch (style) {
          case ADJACENT -> Function.ROTATE_NEIGHBOURS;
          case HALVES -> Function.ROTATE_HALVES;
        },
        x,
        table,
        table + 2L * Float.BYTES * elements,
        MachineCode.pair(heads, tokens),
        headBytes,
        (long) Float.BYTES * elements);
    return true;
  }

  private static int whole(int length) {
    return length - length % UNIT;
  }
}
