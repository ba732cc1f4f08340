package io.ladon.engine.kernel;

import io.ladon.engine.kernel.x86.AmxFunctions;
import io.ladon.engine.kernel.x86.AmxParameters;
import io.ladon.engine.kernel.x86.Parameters;
import io.ladon.engine.memory.NativeMemory;

/**
 * Calls the machine code of a product by AMX: cuts the tokens into chunks whose prepared
 * activations stay in the L2 cache, and each chunk into tiles of the same size.
 */
final class AmxProduct {

  /** Bytes of prepared activations that are used for all panels before the next are. */
  private static final long CHUNK_BYTES = 1280 << 10;

  private AmxProduct() {}

  /**
   * Multiplies; the arguments have been checked.
   *
   * @param quants address of (tokens, columns) int8 activations
   * @param scales address of their scales, (tokens, blocks)
   */
  static void multiply(
      AmxFunctions code,
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      long quants,
      long scales,
      int tokens,
      FloatTensor[] out,
      int outColumn) {
    if (rowBegin == rowEnd || w.columns() == 0) {
      return;
    }
    Scratch scratch = Scratch.ofThread();
    int blocks = w.columns() / PackedLayout.BLOCK;
    int chunk = chunkTokens(code, tokens, blocks);
    for (int token = 0; token < tokens; token += chunk) {
      int count = Math.min(chunk, tokens - token);
      long parameters =
          scratch.address(
              Scratch.Use.PARAMETERS,
              AmxParameters.BYTES + (long) Parameters.OUT_ENTRY * out.length);
      long outEntries = parameters + AmxParameters.BYTES;
      NativeMemory.setLong(parameters + Parameters.OUTS, outEntries);
      NativeMemory.setLong(
          parameters + Parameters.OUTS_END, outEntries + (long) Parameters.OUT_ENTRY * out.length);
      setTiles(scratch, code, w, count, parameters);
      prepare(
          scratch,
          code,
          blocks,
          quants + (long) token * w.columns(),
          scales + 4L * token * blocks,
          parameters);
      MachineProduct.multiplyPanels(
          code, parameters, w, rowBegin, rowEnd, 0, count, token, out, outColumn);
    }
  }

  /** Tokens of a chunk: as few chunks as can be, of about the same size. */
  private static int chunkTokens(AmxFunctions code, int tokens, int blocks) {
    int ofTile = AmxParameters.MAX_TOKENS;
    long most = CHUNK_BYTES / ((long) blocks * code.recordBytes(ofTile));
    int tiles = (tokens - 1) / ofTile + 1;
    int chunks = (int) ((tiles - 1) / Math.max(1, most) + 1);
    return ((tiles - 1) / chunks + 1) * ofTile;
  }

  /** Sets the parameters that follow from the number of tokens. */
  private static void setTiles(
      Scratch scratch, AmxFunctions code, PackedMatrix w, int count, long parameters) {
    int ofTile = AmxFunctions.tileTokens(count, (count - 1) / AmxParameters.MAX_TOKENS + 1);
    int tiles = (count - 1) / ofTile + 1;
    int blocks = w.columns() / PackedLayout.BLOCK;
    long recordBytes = code.recordBytes(ofTile);
    long tileBytes = recordBytes * blocks;
    long stackBytes = MachineProduct.SUMS * ofTile * w.stackDepth();
    for (int word = 0; word < 8; word++) {
      NativeMemory.setLong(
          parameters + AmxParameters.SHAPES + 8L * word, AmxParameters.shapes(word, ofTile));
    }
    NativeMemory.setLong(parameters + AmxParameters.TILE_CODE, code.tile(ofTile));
    NativeMemory.setLong(parameters + AmxParameters.RECORD_BYTES, recordBytes);
    NativeMemory.setLong(parameters + AmxParameters.TILE_BYTES, tileBytes);
    NativeMemory.setLong(parameters + AmxParameters.TILES, tiles);
    NativeMemory.setLong(parameters + AmxParameters.TILE_TOKENS, ofTile);
    NativeMemory.setLong(parameters + AmxParameters.ALL_TOKENS, count);
    NativeMemory.setLong(parameters + AmxParameters.SUM_BYTES, MachineProduct.SUMS * ofTile);
    NativeMemory.setLong(parameters + AmxParameters.STACK_BYTES, stackBytes);
    NativeMemory.setLong(
        parameters + Parameters.STACK,
        scratch.address(Scratch.Use.STACK, stackBytes * tiles * code.groupPanels()));
    long records = scratch.address(Scratch.Use.RECORDS, tileBytes * tiles);
    NativeMemory.setLong(parameters + AmxParameters.RECORDS, records);
    NativeMemory.setLong(parameters + AmxParameters.RECORDS_LAST, records + tileBytes * tiles - 1);
    NativeMemory.setLong(
        parameters + AmxParameters.UNPACKED,
        scratch.address(Scratch.Use.UNPACKED, code.unpackedBytes()));
    NativeMemory.setLong(parameters + AmxParameters.RING, ring(scratch));
    NativeMemory.setLong(parameters + AmxParameters.TABLE, code.table());
  }

  private static long ring(Scratch scratch) {
    long unit = 2L * AmxParameters.RING_BYTES;
    return (scratch.address(Scratch.Use.RING, 2 * unit) + unit - 1) / unit * unit;
  }

  /** Prepares a chunk's activations. */
  private static void prepare(
      Scratch scratch, AmxFunctions code, int blocks, long quants, long scales, long parameters) {
    long count = NativeMemory.getLong(parameters + AmxParameters.ALL_TOKENS);
    int ofTile = (int) NativeMemory.getLong(parameters + AmxParameters.TILE_TOKENS);
    long record = NativeMemory.getLong(parameters + AmxParameters.RECORDS);
    int recordBytes = code.recordBytes(ofTile);
    int scalesOffset = AmxParameters.scalesOffset(ofTile);
    long preparation = scratch.address(Scratch.Use.PREPARATION, Parameters.BYTES);
    NativeMemory.setLong(preparation + Parameters.PREPARE_BLOCKS, blocks);
    NativeMemory.setLong(preparation + AmxParameters.PREPARE_RECORD_BYTES, recordBytes);
    NativeMemory.setLong(preparation + AmxParameters.PREPARE_SCALES_OFFSET, scalesOffset);
    for (long begin = 0; begin < count; begin += ofTile) {
      int size = (int) Math.min(ofTile, count - begin);
      NativeMemory.setLong(
          preparation + Parameters.PREPARE_VALUES, quants + begin * blocks * PackedLayout.BLOCK);
      NativeMemory.setLong(preparation + Parameters.PREPARE_SCALES, scales + 4 * begin * blocks);
      NativeMemory.setLong(preparation + Parameters.PREPARE_TOKENS, size);
      NativeMemory.setLong(preparation + Parameters.PREPARE_TARGET, record);
      code.prepare(preparation);
      if (size < ofTile) {
        clearScales(code, record + scalesOffset, size, ofTile, blocks);
      }
      record += (long) recordBytes * blocks;
    }
  }

  /** For tokens that fill up a tile: whatever their quants are, arithmetic stays quick. */
  private static void clearScales(AmxFunctions code, long scales, int begin, int end, int blocks) {
    int recordBytes = code.recordBytes(end);
    for (int block = 0; block < blocks; block++, scales += recordBytes) {
      for (int token = begin; token < end; token++) {
        NativeMemory.setInt(scales + 4L * token, 0);
        if (code.hasMinimum()) {
          NativeMemory.setInt(scales + AmxParameters.LINE + 4L * token, 0);
        }
      }
    }
  }
}
