package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads a packed matrix value by value, for the scalar kernels and for decoding. Blocks are counted
 * along the packed row.
 */
final class BlockReader {

  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final TensorType type;
  private final MemorySegment segment;
  private final PackedLayout layout;

  BlockReader(MemorySegment segment, PackedLayout layout) {
    this.type = layout.type();
    this.segment = segment;
    this.layout = layout;
  }

  /** The 32 elements of a block of F32, F16 or BF16. */
  void floats(int row, int tile, int blockInTile, float[] out) {
    long base = quantOffset(row, tile, blockInTile);
    int lane = row % PackedLayout.ROWS;
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      long index = (long) PackedLayout.ROWS * c + lane;
      out[c] =
          switch (type) {
            case F32 -> segment.get(FLOAT, base + 4 * index);
            case F16 -> Float.float16ToFloat(segment.get(SHORT, base + 2 * index));
            case BF16 -> Float.intBitsToFloat(segment.get(SHORT, base + 2 * index) << 16);
            default -> throw new IllegalStateException(type + " holds no floats");
          };
    }
  }

  /** The 32 quants of a block, the zero point subtracted. */
  void quants(int row, int tile, int blockInTile, int[] out) {
    long base = quantOffset(row, tile, blockInTile);
    int lane = 4 * (row % PackedLayout.ROWS);
    int zeroPoint = PackedLayout.zeroPoint(type);
    for (int c = 0; c < PackedLayout.BLOCK; c++) {
      int j = c % 4;
      if (type == TensorType.Q8_0) {
        out[c] = segment.get(ValueLayout.JAVA_BYTE, base + 64L * (c / 4) + lane + j);
        continue;
      }
      int high =
          switch (type) {
            case Q5_0, Q5_1, Q5_K -> (unsigned(base + lane + j) >> (c / 4)) & 1;
            case Q6_K -> unsigned(base + 64L * (c / 16) + lane + j) >> (2 * (c % 16 / 4)) & 3;
            default -> 0;
          };
      int nibbles =
          unsigned(base + PackedLayout.nibbleOffset(type) + 64L * (c % 16 / 4) + lane + j);
      int low = c < 16 ? nibbles & 15 : nibbles >> 4;
      out[c] = (low | high << 4) - zeroPoint;
    }
  }

  /**
   * What a quant is multiplied by.
   *
   * @param half of the block, 0 or 1: differs in Q6_K only
   */
  float scale(int row, int tile, int blockInTile, int half) {
    long base = headerOffset(row, tile);
    int lane = row % PackedLayout.ROWS;
    return switch (type) {
      case Q4_0, Q5_0, Q8_0 -> half(base + 32L * blockInTile + 2L * lane);
      case Q4_1, Q5_1 -> half(base + 64L * blockInTile + 2L * lane);
      case Q4_K, Q5_K -> half(base + 2L * lane) * unsigned(base + 64 + 32L * blockInTile + lane);
      case Q6_K ->
          half(base + 2L * lane)
              * segment.get(
                  ValueLayout.JAVA_BYTE, base + 32 + 32L * blockInTile + 16L * half + lane);
      default -> throw new IllegalStateException(type + " has no scale");
    };
  }

  /** What is added to each element of a block: of Q4_1, Q5_1, Q4_K and Q5_K. */
  float minimum(int row, int tile, int blockInTile) {
    long base = headerOffset(row, tile);
    int lane = row % PackedLayout.ROWS;
    return switch (type) {
      case Q4_1, Q5_1 -> half(base + 64L * blockInTile + 32 + 2L * lane);
      case Q4_K, Q5_K ->
          -(half(base + 32 + 2L * lane) * unsigned(base + 80 + 32L * blockInTile + lane));
      default -> throw new IllegalStateException(type + " has no minimum");
    };
  }

  private long headerOffset(int row, int tile) {
    return row / PackedLayout.ROWS * layout.panelBytes() + layout.tileOffset(tile);
  }

  private long quantOffset(int row, int tile, int blockInTile) {
    return row / PackedLayout.ROWS * layout.panelBytes()
        + layout.quantOffset(tile)
        + (long) blockInTile * PackedLayout.blockBytes(type);
  }

  private float half(long offset) {
    return Float.float16ToFloat(segment.get(SHORT, offset));
  }

  private int unsigned(long offset) {
    return Byte.toUnsignedInt(segment.get(ValueLayout.JAVA_BYTE, offset));
  }
}
