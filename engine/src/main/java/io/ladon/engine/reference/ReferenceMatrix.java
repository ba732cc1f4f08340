package io.ladon.engine.reference;

import io.ladon.engine.checkpoint.TensorDecoder;
import io.ladon.engine.checkpoint.TensorInfo;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.MemorySegment;

/** A whole weight matrix as the checkpoint has it, and its product with one vector. */
final class ReferenceMatrix {

  private final TensorInfo tensor;
  private final MemorySegment bytes;
  private final int leafColumns;
  private final LeafTree tree;
  private final boolean int8;
  private final ReferenceBlock block = new ReferenceBlock();
  private final float[] row;

  /**
   * @param leafColumns columns of one leaf of the sum
   * @param int8 whether quantised weights meet int8 activations; otherwise weights are decoded
   */
  ReferenceMatrix(
      TensorInfo tensor, MemorySegment bytes, int leafColumns, LeafTree tree, boolean int8) {
    this.tensor = tensor;
    this.bytes = bytes;
    this.leafColumns = leafColumns;
    this.tree = tree;
    this.int8 = int8 && !tensor.type().isFloat();
    this.row = new float[tensor.columns()];
  }

  /** {@code y[r] = row r . x}. */
  float[] multiply(float[] x) {
    Int8Vector quantized = int8 ? Int8Vector.of(x) : null;
    float[] y = new float[tensor.rows()];
    for (int r = 0; r < y.length; r++) {
      long offset = r * tensor.rowBytes();
      if (quantized == null) {
        decode(r, row);
        y[r] = sum(tree.all(), leaf -> dot(x, begin(leaf), end(leaf)));
      } else {
        y[r] = sum(tree.all(), leaf -> dot(quantized, offset, begin(leaf) / 32, end(leaf) / 32));
      }
    }
    return y;
  }

  /** A row as float32. */
  void decode(int r, float[] out) {
    TensorDecoder.decode(tensor.type(), bytes, r * tensor.rowBytes(), out, 0, tensor.columns());
  }

  private interface Leaf {
    float sum(int leaf);
  }

  private static float sum(Range node, Leaf leaf) {
    if (node.size() == 1) {
      return leaf.sum(node.begin());
    }
    int middle = LeafTree.middle(node);
    return sum(new Range(node.begin(), middle), leaf) + sum(new Range(middle, node.end()), leaf);
  }

  private int begin(int leaf) {
    return leaf * leafColumns;
  }

  private int end(int leaf) {
    return Math.min(tensor.columns(), (leaf + 1) * leafColumns);
  }

  private float dot(float[] x, int begin, int end) {
    float sum = 0;
    for (int i = begin; i < end; i++) {
      sum = Math.fma(row[i], x[i], sum);
    }
    return sum;
  }

  private float dot(Int8Vector x, long offset, int blockBegin, int blockEnd) {
    float sum = 0;
    for (int b = blockBegin; b < blockEnd; b++) {
      block.read(tensor.type(), bytes, offset, b);
      int columns = 32 / block.parts;
      for (int part = 0; part < block.parts; part++) {
        int dot = 0;
        for (int i = part * columns; i < (part + 1) * columns; i++) {
          dot += block.quants[i] * x.quants[b * 32 + i];
        }
        sum = Math.fma((float) dot, block.scales[part] * x.scales[b], sum);
      }
      if (block.hasMinimum) {
        sum = Math.fma(block.minimum, x.scales[b] * (float) x.sum(b), sum);
      }
    }
    return sum;
  }

  /** Activations as int8 in blocks of 32. */
  private record Int8Vector(int[] quants, float[] scales) {

    static Int8Vector of(float[] x) {
      int[] quants = new int[x.length];
      float[] scales = new float[x.length / 32];
      for (int b = 0; b < scales.length; b++) {
        float largest = 0;
        for (int i = b * 32; i < (b + 1) * 32; i++) {
          largest = Math.max(largest, Math.abs(x[i]));
        }
        scales[b] = largest / 127f;
        for (int i = b * 32; i < (b + 1) * 32 && largest > 0; i++) {
          quants[i] = (int) Math.rint(x[i] * (127f / largest));
        }
      }
      return new Int8Vector(quants, scales);
    }

    int sum(int block) {
      int sum = 0;
      for (int i = block * 32; i < (block + 1) * 32; i++) {
        sum += quants[i];
      }
      return sum;
    }
  }
}
