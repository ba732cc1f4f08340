package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;

/** Seeded weights and activations, sign-mixed, with extremes among them. */
final class KernelFixtures {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private KernelFixtures() {}

  /** What the quants of a matrix look like. */
  enum Quants {
    RANDOM,
    /** Every bit set: 15, 31, 63, and -1 in Q8_0. */
    ONES,
    /** The lowest: 0, and -128 in Q8_0. */
    LOWEST
  }

  static MemorySegment encode(
      Arena arena, TensorType type, int rows, int columns, Quants quants, long seed) {
    Random random = new Random(seed);
    // Columns of a slice of a K format still come in whole super-blocks.
    MemorySegment encoded = arena.allocate(Math.max(1, type.bytesFor(columns) * rows), 64);
    byte[] bytes = new byte[(int) encoded.byteSize()];
    switch (quants) {
      case RANDOM -> random.nextBytes(bytes);
      case ONES -> java.util.Arrays.fill(bytes, (byte) -1);
      case LOWEST ->
          java.util.Arrays.fill(bytes, type == TensorType.Q8_0 ? Byte.MIN_VALUE : (byte) 0);
    }
    MemorySegment.copy(bytes, 0, encoded, ValueLayout.JAVA_BYTE, 0, bytes.length);
    long blocks = (long) rows * columns / type.blockElements();
    for (long block = 0; block < blocks; block++) {
      long base = block * type.blockBytes();
      switch (type) {
        case F32 -> encoded.set(INT, base, Float.floatToRawIntBits(value(random)));
        case F16 -> encoded.set(SHORT, base, half(random));
        case BF16 ->
            encoded.set(SHORT, base, (short) (Float.floatToRawIntBits(value(random)) >> 16));
        case Q4_0, Q5_0, Q8_0 -> encoded.set(SHORT, base, half(random));
        case Q4_1, Q5_1, Q4_K, Q5_K -> {
          encoded.set(SHORT, base, half(random));
          encoded.set(SHORT, base + 2, half(random));
        }
        case Q6_K -> encoded.set(SHORT, base + 208, half(random));
      }
    }
    return encoded;
  }

  private static float value(Random random) {
    return (float) random.nextGaussian();
  }

  /** Mostly ordinary scales, some zero, some subnormal, some the largest. */
  private static short half(Random random) {
    return switch (random.nextInt(24)) {
      case 0 -> 0;
      case 1 -> (short) 0x8000;
      case 2 -> (short) (1 + random.nextInt(0x3FF));
      case 3 -> (short) (0x8001 + random.nextInt(0x3FF));
      case 4 -> (short) (random.nextBoolean() ? 0x7BFF : 0xFBFF);
      default -> Float.floatToFloat16(value(random) * 0.1f);
    };
  }

  /** A matrix of one leaf. */
  static PackedMatrix pack(Arena arena, TensorType type, int rows, int columns, long seed) {
    int encodedColumns = encodedColumns(type, columns);
    MemorySegment encoded = encode(arena, type, rows, encodedColumns, Quants.RANDOM, seed);
    return PackedMatrix.pack(
        arena,
        type,
        encoded,
        rows,
        encodedColumns,
        0,
        columns,
        columns,
        new LeafTree(1),
        new Range(0, 1));
  }

  static int encodedColumns(TensorType type, int columns) {
    int block = type.blockElements();
    return (columns + block - 1) / block * block;
  }

  /** Gaussian rows, some with outliers, some all zero. */
  static FloatTensor activations(Arena arena, int tokens, int columns, long seed) {
    Random random = new Random(seed);
    FloatTensor x = FloatTensor.allocate(arena, tokens, columns);
    for (int t = 0; t < tokens; t++) {
      for (int c = 0; c < columns; c++) {
        float value = (float) random.nextGaussian();
        x.set(t, c, random.nextInt(100) == 0 ? value * 50 : value);
      }
    }
    return x;
  }

  static QuantizedActivations quantized(Arena arena, int tokens, int columns, long seed) {
    QuantizedActivations x = QuantizedActivations.allocate(arena, tokens, columns);
    new ScalarKernels()
        .quantize(activations(arena, tokens, columns, seed), 0, tokens, 0, columns, x);
    return x;
  }

  /** All quants the same: the extremes of int8. */
  static QuantizedActivations constant(Arena arena, int tokens, int columns, int quant) {
    QuantizedActivations x = QuantizedActivations.allocate(arena, tokens, columns);
    x.quants().fill((byte) quant);
    for (long block = 0; block < (long) tokens * x.blocks(); block++) {
      x.scales().setAtIndex(ValueLayout.JAVA_FLOAT, block, 0.01f * (block + 1));
    }
    new ScalarKernels().sumBlocks(x, 0, tokens);
    return x;
  }

  static FloatTensor[] results(Arena arena, PackedMatrix w, int tokens, int columns) {
    FloatTensor[] out = new FloatTensor[w.roots().size()];
    for (int root = 0; root < out.length; root++) {
      out[root] = FloatTensor.allocate(arena, tokens, columns);
      out[root].segment().fill((byte) -1); // NaN: what is not written shows
    }
    return out;
  }
}
