package io.ladon.engine.kernel;

import static io.ladon.engine.kernel.Simd.FLOAT;
import static io.ladon.engine.kernel.Simd.MEMORY;

import io.ladon.engine.checkpoint.TensorType;
import java.lang.foreign.MemorySegment;

/**
 * Walks a product: chunks of tokens, panels, leaves and their tree, tiles; the arithmetic is in
 * {@link VectorDots} for few tokens and in {@link VectorTiles} for many.
 */
final class VectorMultiply {

  /** Bytes of the sums of one panel and token. */
  private static final long SUMS = 4L * PackedLayout.ROWS;

  /**
   * Tokens whose activations are prepared at a time: enough to make good for unpacking, few enough
   * to stay in the L2 cache.
   */
  private static final int CHUNK_TOKENS = 32;

  /** Bytes of a block of 16 rows, unpacked. */
  private static final long UNPACKED = 1024;

  /** Blocks that are unpacked at a time, to stay in the L1 cache. */
  private static final int UNPACKED_BLOCKS = 8;

  /** Blocks of 16-bit floats that are widened at a time, to stay in the L1 cache. */
  private static final int WIDENED_BLOCKS = 8;

  private VectorMultiply() {}

  static void multiply(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      QuantizedActivations x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    Scratch scratch = Scratch.ofThread();
    for (int token = 0; token < tokens; token += CHUNK_TOKENS) {
      int count = Math.min(CHUNK_TOKENS, tokens - token);
      scratch.activations().prepare(scratch, w.type(), x, token, token + count);
      sumPanels(scratch, w, rowBegin, rowEnd, token, count, out, outColumn);
    }
  }

  static void multiply(
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      FloatTensor x,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    Scratch scratch = Scratch.ofThread();
    for (int token = 0; token < tokens; token += CHUNK_TOKENS) {
      int count = Math.min(CHUNK_TOKENS, tokens - token);
      scratch.activations().point(x, token);
      sumPanels(scratch, w, rowBegin, rowEnd, token, count, out, outColumn);
    }
  }

  private static void sumPanels(
      Scratch scratch,
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      int token,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    long stack = scratch.address(Scratch.Use.STACK, SUMS * w.stackDepth() * tokens);
    for (int row = rowBegin; row < rowEnd; row += PackedLayout.ROWS) {
      sumPanel(scratch, w, row / PackedLayout.ROWS, tokens, stack);
      int rows = Math.min(PackedLayout.ROWS, rowEnd - row);
      for (int root = 0; root < out.length; root++) {
        write(stack + SUMS * root * tokens, token, tokens, rows, out[root], outColumn + row);
      }
    }
  }

  /** Leaves the sum of each root on the stack: 16 rows of each token. */
  private static void sumPanel(Scratch scratch, PackedMatrix w, int panel, int tokens, long stack) {
    PackedLayout layout = w.layout();
    long address = w.segment().address() + panel * layout.panelBytes();
    int depth = 0;
    for (int leaf = 0; leaf < layout.leaves(); leaf++) {
      long sums = stack + SUMS * depth++ * tokens;
      for (long end = sums + tokens * SUMS, at = sums; at != end; at += 4) {
        MEMORY.set(FLOAT, at, 0f);
      }
      for (int tile = layout.leafTile(leaf); tile < layout.leafTile(leaf + 1); tile++) {
        if (layout.type().isFloat()) {
          addFloatTile(scratch, layout, address, tile, tokens, sums);
        } else {
          addTile(scratch, layout, address, tile, tokens, sums);
        }
      }
      for (int merge = w.merges(leaf); merge > 0; merge--) {
        depth--;
        VectorMath.add(
            stack + SUMS * depth * tokens,
            stack + SUMS * (depth - 1) * tokens,
            tokens * PackedLayout.ROWS);
      }
    }
  }

  private static void addTile(
      Scratch scratch, PackedLayout layout, long panel, int tile, int tokens, long sums) {
    int dotsOfBlock = PackedLayout.dotsOfBlock(layout.type());
    long scales = scratch.address(Scratch.Use.SCALES, 2 * PackedLayout.TILE_BLOCKS * SUMS);
    long minima =
        PackedLayout.hasMinimum(layout.type())
            ? scratch.address(Scratch.Use.MINIMA, PackedLayout.TILE_BLOCKS * SUMS)
            : 0;
    int blocks = layout.blocksOfTile(tile);
    int block = layout.tileBlock(tile);
    long quants = panel + layout.quantOffset(tile);
    VectorScales.decode(layout.type(), panel + layout.tileOffset(tile), blocks, scales, minima);
    int tiled = tokens / VectorTiles.TOKENS * VectorTiles.TOKENS;
    if (tiled > 0) {
      long unpacked = scratch.address(Scratch.Use.WEIGHTS, UNPACKED_BLOCKS * UNPACKED);
      long dots =
          scratch.address(
              Scratch.Use.DOTS, SUMS * UNPACKED_BLOCKS * dotsOfBlock * VectorTiles.TOKENS);
      for (int begin = 0; begin < blocks; begin += UNPACKED_BLOCKS) {
        int count = Math.min(UNPACKED_BLOCKS, blocks - begin);
        VectorUnpack.unpack(
            layout.type(),
            quants + (long) begin * PackedLayout.blockBytes(layout.type()),
            count,
            unpacked);
        for (int t = 0; t < tiled; t += VectorTiles.TOKENS) {
          addFour(
              layout,
              unpacked,
              count,
              dots,
              scales + SUMS * begin * dotsOfBlock,
              minima == 0 ? 0 : minima + begin * SUMS,
              scratch.activations(),
              t,
              block + begin,
              sums + t * SUMS);
        }
      }
    }
    for (int t = tiled; t < tokens; t++) {
      addOne(
          layout, quants, blocks, scales, minima, scratch.activations(), t, block, sums + t * SUMS);
    }
  }

  private static void addFour(
      PackedLayout layout,
      long unpacked,
      int blocks,
      long dots,
      long scales,
      long minima,
      VectorActivations x,
      int token,
      int block,
      long sums) {
    int dotsOfBlock = PackedLayout.dotsOfBlock(layout.type());
    long pairs = x.pairs(token, block);
    if (layout.type() == TensorType.Q8_0) {
      VectorTiles.wide(unpacked, blocks, pairs, x.pairsStep(), dots);
    } else {
      int count = blocks * dotsOfBlock;
      VectorTiles.narrow(unpacked, count, UNPACKED / dotsOfBlock, pairs, x.pairsStep(), dots);
    }
    for (int t = token; t < token + VectorTiles.TOKENS; t++) {
      if (minima == 0) {
        VectorTiles.scale(
            dots, blocks, dotsOfBlock, scales, x.scales(t, block), x.corrections(t, block), sums);
      } else {
        VectorTiles.scaleWithMinimum(
            dots,
            blocks,
            scales,
            minima,
            x.scales(t, block),
            x.minimumScales(t, block),
            x.corrections(t, block),
            sums);
      }
      dots += SUMS * blocks * dotsOfBlock;
      sums += SUMS;
    }
  }

  private static void addOne(
      PackedLayout layout,
      long quants,
      int blocks,
      long scales,
      long minima,
      VectorActivations x,
      int token,
      int block,
      long sums) {
    switch (layout.type()) {
      case Q4_0, Q4_1, Q4_K ->
          VectorDots.bits4(quants, blocks, scales, minima, x, token, block, sums);
      case Q5_0, Q5_1, Q5_K ->
          VectorDots.bits5(quants, blocks, scales, minima, x, token, block, sums);
      case Q6_K -> VectorDots.bits6(quants, blocks, scales, x, token, block, sums);
      case Q8_0 -> VectorDots.bits8(quants, blocks, scales, x, token, block, sums);
      case F32, F16, BF16 -> throw new IllegalArgumentException(layout.type() + " needs floats");
    }
  }

  private static void addFloatTile(
      Scratch scratch, PackedLayout layout, long panel, int tile, int tokens, long sums) {
    long quants = panel + layout.quantOffset(tile);
    int blocks = layout.blocksOfTile(tile);
    for (int begin = 0; begin < blocks; begin += WIDENED_BLOCKS) {
      int count = Math.min(WIDENED_BLOCKS, blocks - begin);
      int columns = count * PackedLayout.BLOCK;
      long weights = quants + (long) begin * PackedLayout.blockBytes(layout.type());
      if (layout.type() != TensorType.F32) {
        long widened = scratch.address(Scratch.Use.WEIGHTS, SUMS * columns);
        if (layout.type() == TensorType.F16) {
          VectorScales.halves(weights, 32, columns, widened);
        } else {
          VectorFloats.widenBfloat16(weights, columns, widened);
        }
        weights = widened;
      }
      VectorActivations x = scratch.activations();
      int block = layout.tileBlock(tile) + begin;
      int t = 0;
      for (; t + VectorTiles.TOKENS <= tokens; t += VectorTiles.TOKENS) {
        long token = x.floats(t, block);
        VectorFloats.four(weights, columns, token, x.floatsStep(), sums + t * SUMS, SUMS);
      }
      for (; t < tokens; t++) {
        VectorFloats.one(weights, columns, x.floats(t, block), sums + t * SUMS);
      }
    }
  }

  /** Copies the rows of one panel to the result, token by token. */
  private static void write(
      long sums, int token, int tokens, int rows, FloatTensor out, int column) {
    for (int t = 0; t < tokens; t++) {
      MemorySegment.copy(
          MEMORY,
          sums + t * SUMS,
          out.segment(),
          4L * ((long) (token + t) * out.columns() + column),
          4L * rows);
    }
  }
}
