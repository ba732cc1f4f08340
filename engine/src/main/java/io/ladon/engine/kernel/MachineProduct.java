package io.ladon.engine.kernel;

import io.ladon.engine.kernel.x86.PanelFunction;
import io.ladon.engine.kernel.x86.Parameters;
import io.ladon.engine.kernel.x86.ProductFunctions;
import io.ladon.engine.memory.FetchDistance;
import io.ladon.engine.memory.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;

/**
 * Calls the machine code of a product: cuts the tokens into chunks whose prepared activations stay
 * in the L2 cache, each chunk into tiles, and the panels so that no call takes long.
 */
final class MachineProduct {

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

  /** Bytes of the sums of one panel and token. */
  static final long SUMS = 4L * PackedLayout.ROWS;

  /** Bytes of prepared activations that are used for all panels before the next are. */
  private static final int CHUNK_BYTES = 256 << 10;

  /**
   * Multiplications in one call at most, about half a millisecond: the garbage collector waits for
   * a call.
   */
  private static final long CALL_WORK = 64 << 20;

  /** Bytes of an unpacked panel at most: it is read for each tile of tokens, from the L2 cache. */
  private static final long UNPACKED_BYTES = 192 << 10;

  private static final long TWO_ONES = 0x00010001;

  private MachineProduct() {}

  /** What the code must know of a matrix's tiles and leaves. */
  static MemorySegment schedule(SegmentAllocator allocator, PackedLayout layout, int[] merges) {
    MemorySegment schedule =
        allocator.allocate(Math.max(8, (long) layout.tiles() * Parameters.SCHEDULE_ENTRY), 8);
    for (int leaf = 0; leaf < layout.leaves(); leaf++) {
      for (int tile = layout.leafTile(leaf); tile < layout.leafTile(leaf + 1); tile++) {
        boolean last = tile + 1 == layout.leafTile(leaf + 1);
        long entry = (long) tile * Parameters.SCHEDULE_ENTRY;
        schedule.set(LONG, entry + Parameters.BLOCKS, layout.blocksOfTile(tile));
        schedule.set(
            LONG,
            entry + Parameters.HEADER_BYTES,
            layout.quantOffset(tile) - layout.tileOffset(tile));
        schedule.set(LONG, entry + Parameters.CLOSING, last ? 1 + merges[leaf] : 0);
      }
    }
    return schedule;
  }

  /**
   * Multiplies; the arguments have been checked.
   *
   * @param values address of (tokens, columns) activations, int8 or, if the weights are floats,
   *     float32
   * @param scales address of the scales of int8 activations, (tokens, blocks)
   * @param fetchDistance of weights whose panels go alone
   */
  static void multiply(
      ProductFunctions code,
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      long values,
      long scales,
      int tokens,
      FloatTensor[] out,
      int outColumn,
      FetchDistance fetchDistance) {
    if (rowBegin == rowEnd || w.columns() == 0) {
      return;
    }
    Scratch scratch = Scratch.ofThread();
    int blocks = w.columns() / PackedLayout.BLOCK;
    long recordBytes = (long) code.recordBytes() * blocks;
    long unpackedBytes = (long) code.unpackedBytes() * blocks;
    long panelBytes = w.layout().panelBytes();
    boolean many = tokens >= code.fewestOfMany() && unpackedBytes <= UNPACKED_BYTES;
    int ofMany = many ? code.panelsOfMany() : 0;
    int ofTile = many ? code.tokensOfMany() : code.maxTokens();
    int chunk = chunkTokens(tokens, ofTile, CHUNK_BYTES / recordBytes);
    for (int token = 0; token < tokens; token += chunk) {
      int count = Math.min(chunk, tokens - token);
      int tiles = (count - 1) / ofTile + 1;
      long parameters =
          scratch.address(
              Scratch.Use.PARAMETERS,
              Parameters.BYTES
                  + (long) Parameters.TOKENS_ENTRY * tiles
                  + (long) Parameters.OUT_ENTRY * out.length);
      long tokenEntries = parameters + Parameters.BYTES;
      long outEntries = tokenEntries + (long) Parameters.TOKENS_ENTRY * tiles;
      long outEnd = outEntries + (long) Parameters.OUT_ENTRY * out.length;
      prepare(
          scratch,
          code,
          blocks,
          values + (long) token * w.columns() * code.valueBytes(),
          scales + 4L * token * blocks,
          count,
          tiles,
          tiles > 1 && ProductFunctions.fetchesNextPanel(panelBytes),
          tokenEntries);
      NativeMemory.setLong(
          parameters + Parameters.PAIR_AHEAD, ProductFunctions.pairAhead(panelBytes));
      NativeMemory.setLong(parameters + Parameters.NEAR_AHEAD, fetchDistance.nearBytes());
      NativeMemory.setLong(parameters + Parameters.FAR_AHEAD, fetchDistance.farBytes());
      if (many && unpackedBytes > 0) {
        NativeMemory.setLong(parameters + Parameters.ONES, TWO_ONES);
        NativeMemory.setLong(
            parameters + Parameters.UNPACKED, scratch.address(Scratch.Use.UNPACKED, unpackedBytes));
      }
      NativeMemory.setLong(
          parameters + Parameters.FETCH_STEP, panelBytes / ((long) tiles * blocks) + 1);
      NativeMemory.setLong(parameters + Parameters.TOKENS, tokenEntries);
      NativeMemory.setLong(parameters + Parameters.TOKENS_END, outEntries);
      NativeMemory.setLong(parameters + Parameters.OUTS, outEntries);
      NativeMemory.setLong(parameters + Parameters.OUTS_END, outEnd);
      NativeMemory.setLong(
          parameters + Parameters.STACK,
          scratch.address(Scratch.Use.STACK, Math.max(1, ofMany) * SUMS * w.stackDepth() * ofTile));
      multiplyPanels(code, parameters, w, rowBegin, rowEnd, ofMany, count, token, out, outColumn);
    }
  }

  /** Tokens of a chunk, whole tiles of them: as few chunks as can be, of the same size. */
  private static int chunkTokens(int tokens, int ofTile, long most) {
    int tiles = (tokens - 1) / ofTile + 1;
    int mostTiles = (int) Math.max(1, most / ofTile);
    int chunks = (tiles - 1) / mostTiles + 1;
    return ((tiles - 1) / chunks + 1) * ofTile;
  }

  /**
   * Prepares a chunk's activations, and the entries of its tiles, which differ by one at most.
   *
   * @param shares whether the tiles share the fetching of the next panel
   */
  private static void prepare(
      Scratch scratch,
      ProductFunctions code,
      int blocks,
      long values,
      long scales,
      int count,
      int tiles,
      boolean shares,
      long entry) {
    long valueBytes = (long) code.valueBytes() * PackedLayout.BLOCK * blocks;
    long recordBytes = (long) code.recordBytes() * blocks;
    long records = scratch.address(Scratch.Use.RECORDS, recordBytes * count);
    long parameters = scratch.address(Scratch.Use.PREPARATION, Parameters.BYTES);
    NativeMemory.setLong(parameters + Parameters.PREPARE_BLOCKS, blocks);
    for (int tile = 0; tile < tiles; tile++, entry += Parameters.TOKENS_ENTRY) {
      int begin = tile * count / tiles;
      int size = (tile + 1) * count / tiles - begin;
      long target = records + begin * recordBytes;
      NativeMemory.setLong(parameters + Parameters.PREPARE_VALUES, values + begin * valueBytes);
      NativeMemory.setLong(parameters + Parameters.PREPARE_SCALES, scales + 4L * begin * blocks);
      NativeMemory.setLong(parameters + Parameters.PREPARE_TOKENS, size);
      NativeMemory.setLong(parameters + Parameters.PREPARE_TARGET, target);
      code.prepare(parameters);
      NativeMemory.setLong(
          entry + Parameters.CODE, shares ? code.sharingTile(size) : code.tile(size));
      NativeMemory.setLong(entry + Parameters.MANY_CODE, code.tileOfMany(size));
      NativeMemory.setLong(entry + Parameters.ACTIVATIONS, target);
      NativeMemory.setLong(entry + Parameters.FIRST_TOKEN, begin);
    }
  }

  /**
   * Calls the code for all panels; sets the parameters that are of panels and results.
   *
   * @param ofMany panels that go together in the code for many tokens; 0 if it takes none
   * @param count tokens
   * @param token the first of them
   */
  static void multiplyPanels(
      PanelFunction code,
      long parameters,
      PackedMatrix w,
      int rowBegin,
      int rowEnd,
      int ofMany,
      int count,
      int token,
      FloatTensor[] out,
      int outColumn) {
    PackedLayout layout = w.layout();
    NativeMemory.setLong(parameters + Parameters.SCHEDULE, w.schedule().address());
    NativeMemory.setLong(
        parameters + Parameters.SCHEDULE_END,
        w.schedule().address() + (long) layout.tiles() * Parameters.SCHEDULE_ENTRY);
    NativeMemory.setLong(parameters + Parameters.PANEL_BYTES, layout.panelBytes());
    int together = Math.max(1, ofMany);
    long panelWork = (long) PackedLayout.ROWS * w.columns() * count;
    int most = (int) Math.max(1, CALL_WORK / (panelWork * together)) * together * PackedLayout.ROWS;
    int wholePanels = rowEnd - (rowEnd - rowBegin) % PackedLayout.ROWS;
    for (int row = rowBegin; row < rowEnd; ) {
      int end = row < wholePanels ? Math.min(wholePanels, row + most) : rowEnd;
      int rows = row < wholePanels ? PackedLayout.ROWS : rowEnd - row;
      long panel = w.segment().address() + row / PackedLayout.ROWS * layout.panelBytes();
      long panels = ((long) end - row - 1) / PackedLayout.ROWS + 1;
      NativeMemory.setLong(parameters + Parameters.WEIGHTS, panel);
      NativeMemory.setLong(
          parameters + Parameters.WEIGHTS_END, panel + panels * layout.panelBytes());
      NativeMemory.setLong(
          parameters + Parameters.MANY_END,
          panel + (ofMany == 0 ? 0 : panels - panels % ofMany) * layout.panelBytes());
      setRows(parameters, rows);
      long entry = NativeMemory.getLong(parameters + Parameters.OUTS);
      for (FloatTensor result : out) {
        long step = 4L * result.columns();
        NativeMemory.setLong(
            entry + Parameters.OUT,
            result.segment().address() + token * step + 4L * (outColumn + row));
        NativeMemory.setLong(entry + Parameters.OUT_STEP, step);
        entry += Parameters.OUT_ENTRY;
      }
      code.multiply(parameters);
      row = end;
    }
  }

  /** How many rows of a panel are written. */
  private static void setRows(long parameters, int rows) {
    NativeMemory.setLong(parameters + Parameters.ROW_BITS, (1L << rows) - 1);
    for (int row = 0; row < PackedLayout.ROWS; row++) {
      NativeMemory.setInt(parameters + Parameters.ROW_LANES + 4L * row, row < rows ? -1 : 0);
    }
  }
}
