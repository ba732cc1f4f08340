package io.ladon.engine.kernel;

import io.ladon.engine.model.ModelSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** The formulas, one value after the other: what every other tier is compared with. */
public final class ScalarKernels implements Kernels {

  /** Lanes of every sum over a vector. */
  static final int LANES = 16;

  private static final int BLOCK = QuantizedActivations.BLOCK;

  @Override
  public String name() {
    return "scalar";
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
    BlockReader weights = w.reader();
    PackedLayout layout = w.layout();
    int[] quants = new int[BLOCK];
    boolean hasMinimum = PackedLayout.hasMinimum(w.type());
    int dots = PackedLayout.dotsOfBlock(w.type());
    int dotColumns = BLOCK / dots;
    sumLeaves(
        w,
        rowBegin,
        rowEnd,
        tokens,
        out,
        outColumn,
        (row, tile, b, sums) -> {
          int block = layout.tileBlock(tile) + b;
          weights.quants(row, tile, b, quants);
          for (int t = 0; t < tokens; t++) {
            long index = (long) t * x.blocks() + block;
            float activationScale = x.scales().getAtIndex(ValueLayout.JAVA_FLOAT, index);
            for (int i = 0; i < dots; i++) {
              int dot = 0;
              for (int c = i * dotColumns; c < (i + 1) * dotColumns; c++) {
                dot += quants[c] * x.quants().get(ValueLayout.JAVA_BYTE, index * BLOCK + c);
              }
              float scale = weights.scale(row, tile, b, i) * activationScale;
              sums[t] = Math.fma((float) dot, scale, sums[t]);
            }
            if (hasMinimum) {
              float activationSum = (float) x.sums().getAtIndex(ValueLayout.JAVA_INT, index);
              sums[t] =
                  Math.fma(weights.minimum(row, tile, b), activationScale * activationSum, sums[t]);
            }
          }
        });
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
    BlockReader weights = w.reader();
    PackedLayout layout = w.layout();
    float[] floats = new float[BLOCK];
    sumLeaves(
        w,
        rowBegin,
        rowEnd,
        tokens,
        out,
        outColumn,
        (row, tile, b, sums) -> {
          int column = (layout.tileBlock(tile) + b) * BLOCK;
          weights.floats(row, tile, b, floats);
          for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < BLOCK; c++) {
              sums[t] = Math.fma(floats[c], x.get(t, column + c), sums[t]);
            }
          }
        });
  }

  /** Adds one block of a row to the sum of each token. */
  private interface BlockSum {
    void add(int row, int tile, int blockInTile, float[] sums);
  }

  /** Sums each leaf of each row, and the leaves in the order of their tree. */
  private static void sumLeaves(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      int tokens,
      FloatTensor[] out,
      int outColumn,
      BlockSum blockSum) {
    PackedLayout layout = w.layout();
    float[][] stack = new float[w.stackDepth()][tokens];
    for (int row = rowBegin; row < rowEnd; row++) {
      int depth = 0;
      for (int leaf = 0; leaf < layout.leaves(); leaf++) {
        float[] sums = stack[depth++];
        Arrays.fill(sums, 0f);
        for (int tile = layout.leafTile(leaf); tile < layout.leafTile(leaf + 1); tile++) {
          for (int b = 0; b < layout.blocksOfTile(tile); b++) {
            blockSum.add(row, tile, b, sums);
          }
        }
        for (int merge = 0; merge < w.merges(leaf); merge++) {
          depth--;
          for (int t = 0; t < tokens; t++) {
            stack[depth - 1][t] += stack[depth][t];
          }
        }
      }
      for (int root = 0; root < w.roots().size(); root++) {
        for (int t = 0; t < tokens; t++) {
          out[root].set(t, outColumn + row, stack[root][t]);
        }
      }
    }
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
    for (int row = rowBegin; row < rowEnd; row++) {
      for (int column = columnBegin; column < columnEnd; column += BLOCK) {
        float largest = 0;
        for (int c = 0; c < BLOCK; c++) {
          largest = Math.max(largest, Math.abs(x.get(row, column + c)));
        }
        float factor = quantFactor(largest);
        long first = (long) (outRow + row - rowBegin) * out.columns() + column;
        int sum = 0;
        for (int c = 0; c < BLOCK; c++) {
          int quant = factor == 0 ? 0 : round(x.get(row, column + c) * factor);
          out.quants().set(ValueLayout.JAVA_BYTE, first + c, (byte) quant);
          sum += quant;
        }
        out.scales().setAtIndex(ValueLayout.JAVA_FLOAT, first / BLOCK, largest / 127f);
        out.sums().setAtIndex(ValueLayout.JAVA_INT, first / BLOCK, sum);
      }
    }
  }

  /**
   * What elements are multiplied by to be quantised. Zero where 127 / largest is no use: all quants
   * are zero then, and a largest that is infinite or no number shows in the scale.
   */
  static float quantFactor(float largest) {
    float factor = 127f / largest;
    return factor > 0f && factor < Float.POSITIVE_INFINITY ? factor : 0f;
  }

  /** Nearest whole number, half to even, of anything in int8's range. */
  private static int round(float value) {
    return Float.floatToRawIntBits(value + Exponential.ROUNDER) - Exponential.ROUNDER_BITS;
  }

  @Override
  public void sumBlocks(QuantizedActivations x, int rowBegin, int rowEnd) {
    for (long block = (long) rowBegin * x.blocks(); block < (long) rowEnd * x.blocks(); block++) {
      int sum = 0;
      for (int c = 0; c < BLOCK; c++) {
        sum += x.quants().get(ValueLayout.JAVA_BYTE, block * BLOCK + c);
      }
      x.sums().setAtIndex(ValueLayout.JAVA_INT, block, sum);
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
    for (int row = 0; row < rows; row++) {
      long begin = (long) row * length;
      rmsNorm(x, xOffset + begin, weight, epsilon, length, y, yOffset + begin);
    }
  }

  private static void rmsNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      float epsilon,
      int length,
      MemorySegment y,
      long yOffset) {
    float[] lanes = new float[LANES];
    for (int i = 0; i < length; i++) {
      float value = get(x, xOffset + i);
      lanes[i % LANES] = Math.fma(value, value, lanes[i % LANES]);
    }
    float factor = normFactor(sumLanes(lanes), length, epsilon);
    for (int i = 0; i < length; i++) {
      set(y, yOffset + i, get(x, xOffset + i) * factor * get(weight, i));
    }
  }

  static float normFactor(float sumOfSquares, int length, float epsilon) {
    return 1f / (float) Math.sqrt(sumOfSquares / length + epsilon);
  }

  /** The fixed tree that every sum over 16 lanes ends in. */
  static float sumLanes(float[] lanes) {
    for (int distance = LANES / 2; distance > 0; distance /= 2) {
      for (int i = 0; i < distance; i++) {
        lanes[i] += lanes[i + distance];
      }
    }
    return lanes[0];
  }

  @Override
  public void add(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int length) {
    for (int i = 0; i < length; i++) {
      set(y, yOffset + i, get(y, yOffset + i) + get(x, xOffset + i));
    }
  }

  @Override
  public void scale(MemorySegment y, long yOffset, int length, float factor) {
    for (int i = 0; i < length; i++) {
      set(y, yOffset + i, get(y, yOffset + i) * factor);
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
    for (int i = 0; i < length; i++) {
      float activated = Exponential.activate(activation, get(gate, gateOffset + i));
      set(y, yOffset + i, activated * get(up, upOffset + i));
    }
  }

  @Override
  public void max(
      MemorySegment x, long xOffset, int length, int vectors, MemorySegment y, long yOffset) {
    for (int v = 0; v < vectors; v++) {
      float largest = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < length; i++) {
        largest = Math.max(largest, get(x, xOffset + (long) v * length + i));
      }
      set(y, yOffset + v, largest);
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
    for (int v = 0; v < vectors; v++) {
      float largest = get(max, maxOffset + v);
      float[] lanes = new float[LANES];
      for (int i = 0; i < length; i++) {
        float value = get(x, xOffset + (long) v * length + i);
        lanes[i % LANES] += Exponential.exp((value - largest) * inverseTemperature);
      }
      set(y, yOffset + v, sumLanes(lanes));
    }
  }

  private static float get(MemorySegment segment, long index) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  private static void set(MemorySegment segment, long index, float value) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }
}
