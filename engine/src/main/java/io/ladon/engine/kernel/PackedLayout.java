package io.ladon.engine.kernel;

import io.ladon.engine.checkpoint.TensorType;
import java.util.Arrays;

/**
 * Where everything is in a packed matrix. Every tier of kernels reads this one layout.
 *
 * <p>Rows are cut into <b>panels</b> of 16; the last is padded with rows of zero scales and zero
 * quants. A panel is {@link #panelBytes} long, starts on 64 bytes and holds its <b>tiles</b> in
 * column order. A tile is up to 32 consecutive <b>blocks</b> of 32 columns of one leaf; in the K
 * formats up to 8, all of one super-block (256 columns of the checkpoint's row). A tile is a
 * header, padded to 64 bytes, and then the quants of its blocks. Little endian throughout; {@code
 * [16]} is one value for each row of the panel.
 *
 * <pre>
 * header
 *   Q4_0 Q5_0 Q8_0   for each block: f16 scale[16]
 *   Q4_1 Q5_1        for each block: f16 scale[16], f16 minimum[16]
 *   Q4_K Q5_K        f16 d[16], f16 dmin[16]; for each block: u8 scale[16], u8 minimum[16]
 *                    (weight scale = d * scale, minimum = -(dmin * minimum))
 *   Q6_K             f16 d[16]; for each block: i8 scale[16] of columns 0-15, i8 scale[16] of 16-31
 *   F32 F16 BF16     none
 * quants of a block
 *   nibbles          256 bytes, all formats of 4 to 6 bits: byte 64 g + 4 row + j (g 0-3, j 0-3)
 *                    has column 4 g + j in its low and column 16 + 4 g + j in its high nibble
 *   Q4_*             nibbles
 *   Q5_*             64 bytes: bit g (0-7) of byte 4 row + j is bit 4 of column 4 g + j; nibbles
 *   Q6_K             2 x 64 bytes: bits 2 g, 2 g + 1 (g 0-3) of byte 4 row + j of plane p are bits
 *                    4, 5 of column 16 p + 4 g + j; nibbles
 *   Q8_0             512 bytes: byte 64 g + 4 row + j (g 0-7, j 0-3) is column 4 g + j, signed
 *   F32 F16 BF16     element 16 column + row
 * </pre>
 *
 * Quants are stored as the checkpoint has them, so all but those of Q8_0 are unsigned: Q4_0 means
 * quant - 8, Q5_0 quant - 16, Q6_K quant - 32. So 64 bytes are 16 rows x 4 columns, what {@code
 * vpdpbusd} eats: unsigned weights, and four bytes of activations broadcast to all rows.
 */
final class PackedLayout {

  /** Rows of a panel. */
  static final int ROWS = 16;

  /** Columns of a block. */
  static final int BLOCK = 32;

  /** Blocks of a tile at most. */
  static final int TILE_BLOCKS = 32;

  private final TensorType type;
  private final int[] leafTiles; // (leaves + 1) first tile of each leaf, and the end
  private final int[] tileBlocks; // (tiles + 1) first block of each tile, and the end
  private final long[] tileOffsets; // (tiles + 1) bytes from the start of the panel

  /**
   * @param columnBegin of the first column in the checkpoint's row: tells where super-blocks are
   */
  PackedLayout(TensorType type, int columnBegin, int columns, int leafColumns) {
    this.type = type;
    int[] leafTiles = new int[columns / BLOCK + 1];
    int[] tileBlocks = new int[columns / BLOCK + 1];
    int leaves = 0;
    int tiles = 0;
    for (int column = 0; column < columns; ) {
      if (column % leafColumns == 0) {
        leafTiles[leaves++] = tiles;
      }
      tileBlocks[tiles++] = column / BLOCK;
      int leafEnd = Math.min(columns, (column / leafColumns + 1) * leafColumns);
      int most =
          type.blockElements() > BLOCK
              ? type.blockElements() - (columnBegin + column) % type.blockElements()
              : TILE_BLOCKS * BLOCK;
      column = Math.min(leafEnd, column + most);
    }
    leafTiles[leaves] = tiles;
    tileBlocks[tiles] = columns / BLOCK;
    this.leafTiles = Arrays.copyOf(leafTiles, leaves + 1);
    this.tileBlocks = Arrays.copyOf(tileBlocks, tiles + 1);
    this.tileOffsets = new long[tiles + 1];
    for (int tile = 0; tile < tiles; tile++) {
      int blocks = tileBlocks[tile + 1] - tileBlocks[tile];
      tileOffsets[tile + 1] =
          tileOffsets[tile] + headerBytes(type, blocks) + (long) blocks * blockBytes(type);
    }
  }

  TensorType type() {
    return type;
  }

  int leaves() {
    return leafTiles.length - 1;
  }

  int tiles() {
    return tileBlocks.length - 1;
  }

  /** First tile of a leaf; {@code leaf} may be {@link #leaves}. */
  int leafTile(int leaf) {
    return leafTiles[leaf];
  }

  /** First block of a tile; {@code tile} may be {@link #tiles}. */
  int tileBlock(int tile) {
    return tileBlocks[tile];
  }

  int blocksOfTile(int tile) {
    return tileBlocks[tile + 1] - tileBlocks[tile];
  }

  /** Bytes from the start of the panel to the header of a tile; {@code tile} may be the end. */
  long tileOffset(int tile) {
    return tileOffsets[tile];
  }

  /** Bytes from the start of the panel to a tile's quants. */
  long quantOffset(int tile) {
    return tileOffsets[tile] + headerBytes(type, blocksOfTile(tile));
  }

  long panelBytes() {
    return tileOffsets[tileOffsets.length - 1];
  }

  /** Bytes of the quants of one block of 16 rows. */
  static int blockBytes(TensorType type) {
    return switch (type) {
      case Q4_0, Q4_1, Q4_K -> 256;
      case Q5_0, Q5_1, Q5_K -> 64 + 256;
      case Q6_K -> 2 * 64 + 256;
      case Q8_0 -> 512;
      case F16, BF16 -> 2 * ROWS * BLOCK;
      case F32 -> 4 * ROWS * BLOCK;
    };
  }

  /** Bytes from a block's first quant to its nibbles. */
  static int nibbleOffset(TensorType type) {
    return blockBytes(type) - 256;
  }

  /** Bytes of a tile's header, a multiple of 64. */
  static int headerBytes(TensorType type, int blocks) {
    int bytes =
        switch (type) {
          case Q4_0, Q5_0, Q8_0 -> 32 * blocks;
          case Q4_1, Q5_1 -> 64 * blocks;
          case Q4_K, Q5_K -> 64 + 32 * blocks;
          case Q6_K -> 32 + 32 * blocks;
          case F32, F16, BF16 -> 0;
        };
    return (bytes + 63) / 64 * 64;
  }

  /** Bytes of a tile's header that are float16, from its begin on. */
  static int float16Bytes(TensorType type, int blocks) {
    return switch (type) {
      case Q4_K, Q5_K -> 64;
      case Q6_K -> 32;
      default -> headerBytes(type, blocks);
    };
  }

  /** Whether a product adds a minimum times the activations' sum. */
  static boolean hasMinimum(TensorType type) {
    return switch (type) {
      case Q4_1, Q5_1, Q4_K, Q5_K -> true;
      default -> false;
    };
  }

  /** What is subtracted from a stored quant. */
  static int zeroPoint(TensorType type) {
    return switch (type) {
      case Q4_0 -> 8;
      case Q5_0 -> 16;
      case Q6_K -> 32;
      default -> 0;
    };
  }

  /** Integer dot products of one block, each with a weight scale of its own. */
  static int dotsOfBlock(TensorType type) {
    return type == TensorType.Q6_K ? 2 : 1;
  }
}
