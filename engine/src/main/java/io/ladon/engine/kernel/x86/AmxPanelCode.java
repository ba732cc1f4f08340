package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import io.ladon.engine.memory.FetchDistance;

/**
 * The loops of a product by AMX: groups of panels; for each the tiles in order, cut into segments
 * of {@link AmxParameters#SEGMENT_BLOCKS}; a segment of all panels of the group is unpacked to the
 * L1 cache once, and then {@link AmxTileCode} adds it to the sums of all token tiles. So
 * activations come to the L1 cache once for a group, and sums are in memory between segments.
 */
final class AmxPanelCode {

  private static final Gp BLOCKS = Gp.R8;
  private static final Gp SCRATCH = Gp.RAX;
  private static final Gp OTHER = Gp.R10;

  /** What {@link AmxTileCode} does not leave as it was, and is needed after it. */
  private static final Gp[] KEPT = {
    Registers.COUNT,
    Registers.HEADER,
    Registers.QUANTS,
    Registers.AHEAD,
    Registers.PANEL,
    Registers.SCHEDULE,
    Registers.ROW_BYTES
  };

  /** What walks over the weights of a segment. */
  private static final Gp[] WALKING = {Registers.HEADER, Registers.QUANTS, Registers.AHEAD};

  /** How far ahead weights are fetched. The L1 cache has little room beside unpacked weights. */
  private static final FetchDistance AHEAD =
      new FetchDistance(ProductCode.USUAL.nearBytes(), ProductCode.DEEP.farBytes());

  private static final int MAX_PANELS = 2;

  private static final int ROW_BYTES = 64; // of a panel's rows in a result

  private static final Vector WRITTEN = zmm(0);
  private static final int ROWS = 1; // mask register

  private final Assembler a;
  private final Format format;
  private final AmxUnpackCode unpack;

  AmxPanelCode(Assembler assembler, Format format, AmxUnpackCode unpack) {
    this.a = assembler;
    this.format = format;
    this.unpack = unpack;
  }

  void emit() {
    for (Gp register : Registers.SAVED) {
      a.push(register);
    }
    a.mov(Registers.PARAMETERS, Gp.RDI);
    a.mov(Registers.PANEL, at(Registers.PARAMETERS, Parameters.WEIGHTS));
    a.mov(Registers.ROW_BYTES, 0);
    unpack.constants();
    a.mov(SCRATCH, at(Registers.PARAMETERS, Parameters.ROW_BITS));
    a.kmovw(ROWS, SCRATCH);
    a.ldtilecfg(at(Registers.PARAMETERS, AmxParameters.SHAPES));
    Label groups = a.loop();
    emitGroupBegin();
    emitGroup();
    emitGroupEnd();
    a.cmp(Registers.PANEL, at(Registers.PARAMETERS, Parameters.WEIGHTS_END));
    a.jump(Condition.NOT_EQUAL, groups);
    a.tilerelease(); // else the system would save tiles at each switch of threads
    a.vzeroupper();
    for (int i = Registers.SAVED.length - 1; i >= 0; i--) {
      a.pop(Registers.SAVED[i]);
    }
    a.ret();
  }

  /** Counts the group's panels: as many as there are, up to a limit. */
  private void emitGroupBegin() {
    Label counted = new Label();
    a.mov(SCRATCH, 0);
    a.mov(OTHER, Registers.PANEL);
    Label panels = a.loop();
    a.add(SCRATCH, 1);
    a.add(OTHER, at(Registers.PARAMETERS, Parameters.PANEL_BYTES));
    a.cmp(OTHER, at(Registers.PARAMETERS, Parameters.WEIGHTS_END));
    a.jump(Condition.EQUAL, counted);
    a.cmp(SCRATCH, groupPanels(format));
    a.jump(Condition.NOT_EQUAL, panels);
    a.bind(counted);
    note(AmxParameters.PANELS, SCRATCH);
  }

  private void emitGroup() {
    a.mov(Registers.HEADER, Registers.PANEL);
    a.mov(Registers.AHEAD, Registers.PANEL);
    a.add(Registers.AHEAD, AHEAD.nearBytes());
    a.mov(Registers.SCHEDULE, at(Registers.PARAMETERS, Parameters.SCHEDULE));
    a.mov(SCRATCH, 0);
    note(AmxParameters.OFFSET, SCRATCH);
    note(AmxParameters.DEPTH, SCRATCH);
    a.mov(SCRATCH, 1);
    note(AmxParameters.FIRST, SCRATCH);
    Label tiles = a.loop();
    a.mov(Registers.COUNT, at(Registers.SCHEDULE, Parameters.BLOCKS));
    a.mov(Registers.QUANTS, Registers.HEADER);
    a.add(Registers.QUANTS, at(Registers.SCHEDULE, Parameters.HEADER_BYTES));
    Label segments = a.loop();
    emitSegmentBegin();
    emitUnpacking();
    for (Gp register : KEPT) {
      a.push(register);
    }
    a.call(at(Registers.PARAMETERS, AmxParameters.TILE_CODE));
    for (int i = KEPT.length - 1; i >= 0; i--) {
      a.pop(KEPT[i]);
    }
    emitSegmentEnd();
    a.test(Registers.COUNT, Registers.COUNT);
    a.jump(Condition.NOT_EQUAL, segments);
    a.mov(Registers.HEADER, Registers.QUANTS); // the next tile begins where the quants end
    a.add(Registers.SCHEDULE, Parameters.SCHEDULE_ENTRY);
    a.cmp(Registers.SCHEDULE, at(Registers.PARAMETERS, Parameters.SCHEDULE_END));
    a.jump(Condition.NOT_EQUAL, tiles);
    emitResults();
  }

  private void note(int parameter, Gp value) {
    a.mov(at(Registers.PARAMETERS, parameter), value);
  }

  /** Notes how many blocks the segment has, and what follows from that. */
  private void emitSegmentBegin() {
    Label all = new Label();
    a.mov(BLOCKS, Registers.COUNT);
    a.cmp(BLOCKS, AmxParameters.SEGMENT_BLOCKS);
    a.jump(Condition.BELOW_OR_EQUAL, all);
    a.mov(BLOCKS, AmxParameters.SEGMENT_BLOCKS);
    a.bind(all);
    note(AmxParameters.BLOCKS, BLOCKS);
    a.mov(SCRATCH, 0);
    Label closing = new Label();
    a.sub(Registers.COUNT, BLOCKS);
    a.jump(Condition.NOT_EQUAL, closing);
    a.mov(SCRATCH, at(Registers.SCHEDULE, Parameters.CLOSING));
    a.bind(closing);
    note(AmxParameters.CLOSING, SCRATCH);
    a.mov(OTHER, at(Registers.PARAMETERS, AmxParameters.RECORD_BYTES));
    a.imul(OTHER, BLOCKS);
    a.mov(SCRATCH, 0);
    a.sub(SCRATCH, OTHER);
    note(AmxParameters.REWIND, SCRATCH);
  }

  private void emitUnpacking() {
    Gp panels = Gp.R11;
    Gp panelBytes = Gp.RDX;
    a.mov(AmxUnpackCode.TARGET, at(Registers.PARAMETERS, AmxParameters.UNPACKED));
    a.mov(panels, at(Registers.PARAMETERS, AmxParameters.PANELS));
    a.mov(panelBytes, 0);
    for (Gp register : WALKING) {
      a.push(register);
    }
    Label each = a.loop();
    a.mov(BLOCKS, at(Registers.PARAMETERS, AmxParameters.BLOCKS));
    unpack.beginTile(); // a super-block is no more than a segment
    if (format.isSuperBlock()) {
      emitFetch(Format.SUPER_HEADER);
    }
    Label blocks = a.loop();
    emitFetch(format.quantBytes() + format.blockHeader());
    unpack.emitBlock();
    a.add(Registers.HEADER, format.blockHeader());
    a.add(Registers.QUANTS, format.quantBytes());
    a.add(AmxUnpackCode.TARGET, AmxUnpackCode.blockBytes(format));
    a.dec(BLOCKS);
    a.jump(Condition.NOT_EQUAL, blocks);
    // The same blocks of the next panel.
    for (int i = WALKING.length - 1; i >= 0; i--) {
      a.pop(WALKING[i]);
    }
    a.add(panelBytes, at(Registers.PARAMETERS, Parameters.PANEL_BYTES));
    for (Gp register : WALKING) {
      a.push(register);
      a.add(register, panelBytes);
    }
    a.dec(panels);
    a.jump(Condition.NOT_EQUAL, each);
    for (int i = WALKING.length - 1; i >= 0; i--) {
      a.pop(WALKING[i]);
    }
    a.mov(BLOCKS, at(Registers.PARAMETERS, AmxParameters.BLOCKS));
    emitAdvance(Registers.HEADER, format.blockHeader());
    emitAdvance(Registers.QUANTS, format.quantBytes());
    emitAdvance(Registers.AHEAD, format.blockHeader() + format.quantBytes());
    if (format.isSuperBlock()) {
      a.add(Registers.AHEAD, Format.SUPER_HEADER);
    }
  }

  /**
   * Fetches as many bytes in the order of memory: what is near to the L1 cache, what is far to the
   * L2 cache.
   */
  private void emitFetch(int bytes) {
    for (int line = 0; line < bytes; line += 64) {
      a.prefetcht0(at(Registers.AHEAD, line));
      a.prefetcht1(at(Registers.AHEAD, line + AHEAD.farBytes() - AHEAD.nearBytes()));
    }
    a.add(Registers.AHEAD, bytes);
  }

  private void emitAdvance(Gp register, int blockBytes) {
    a.mov(SCRATCH, blockBytes);
    a.imul(SCRATCH, BLOCKS);
    a.add(register, SCRATCH);
  }

  /** Moves on to the next segment's activations, and in the stacks if a leaf has ended. */
  private void emitSegmentEnd() {
    a.mov(SCRATCH, at(Registers.PARAMETERS, AmxParameters.OFFSET));
    a.mov(OTHER, at(Registers.PARAMETERS, AmxParameters.REWIND));
    a.sub(SCRATCH, OTHER);
    note(AmxParameters.OFFSET, SCRATCH);
    Label goOn = new Label();
    a.mov(SCRATCH, 0);
    a.mov(BLOCKS, at(Registers.PARAMETERS, AmxParameters.CLOSING));
    a.test(BLOCKS, BLOCKS);
    a.jump(Condition.EQUAL, goOn);
    a.mov(SCRATCH, at(Registers.PARAMETERS, AmxParameters.DEPTH));
    a.mov(OTHER, at(Registers.PARAMETERS, AmxParameters.SUM_BYTES));
    a.add(SCRATCH, OTHER);
    Label merges = new Label();
    Label merged = new Label();
    a.bind(merges);
    a.dec(BLOCKS);
    a.jump(Condition.EQUAL, merged);
    a.sub(SCRATCH, OTHER);
    a.jmp(merges);
    a.bind(merged);
    note(AmxParameters.DEPTH, SCRATCH);
    a.mov(SCRATCH, 1);
    a.bind(goOn);
    note(AmxParameters.FIRST, SCRATCH);
  }

  /** Copies the roots, which are what is left on the stacks, to the results. */
  private void emitResults() {
    Gp out = Gp.R8;
    Gp target = Gp.R9;
    Gp step = Gp.R10;
    Gp root = Gp.R11; // on the first stack
    Gp stacks = Gp.RSI; // of the token tile
    Gp tileBytes = Gp.RBX;
    Gp sums = Gp.RDI;
    Gp tokens = Gp.RDX;
    Gp ofTile = Gp.RCX;
    a.mov(root, at(Registers.PARAMETERS, Parameters.STACK));
    a.mov(tileBytes, at(Registers.PARAMETERS, AmxParameters.STACK_BYTES));
    a.mov(SCRATCH, at(Registers.PARAMETERS, AmxParameters.PANELS));
    a.imul(tileBytes, SCRATCH);
    a.mov(out, at(Registers.PARAMETERS, Parameters.OUTS));
    Label roots = a.loop();
    a.mov(target, at(out, Parameters.OUT));
    a.add(target, Registers.ROW_BYTES);
    a.mov(step, at(out, Parameters.OUT_STEP));
    a.mov(stacks, root);
    a.mov(tokens, at(Registers.PARAMETERS, AmxParameters.ALL_TOKENS));
    Label tiles = a.loop();
    Label all = new Label();
    a.mov(ofTile, at(Registers.PARAMETERS, AmxParameters.TILE_TOKENS));
    a.cmp(ofTile, tokens);
    a.jump(Condition.BELOW_OR_EQUAL, all);
    a.mov(ofTile, tokens);
    a.bind(all);
    a.sub(tokens, ofTile);
    a.mov(sums, stacks);
    Label each = a.loop();
    emitWrites(sums, target);
    a.add(sums, AmxParameters.LINE);
    a.add(target, step);
    a.dec(ofTile);
    a.jump(Condition.NOT_EQUAL, each);
    a.add(stacks, tileBytes);
    a.test(tokens, tokens);
    a.jump(Condition.NOT_EQUAL, tiles);
    a.add(root, at(Registers.PARAMETERS, AmxParameters.SUM_BYTES));
    a.add(out, Parameters.OUT_ENTRY);
    a.cmp(out, at(Registers.PARAMETERS, Parameters.OUTS_END));
    a.jump(Condition.NOT_EQUAL, roots);
  }

  /** Writes a token's sums of all panels of the group. */
  private void emitWrites(Gp sums, Gp target) {
    Gp from = Gp.R12;
    Gp to = Gp.R13;
    a.mov(from, sums);
    a.mov(to, target);
    a.mov(SCRATCH, at(Registers.PARAMETERS, AmxParameters.PANELS));
    Label panels = a.loop();
    a.vmovups(WRITTEN, at(from, 0));
    a.vmovups(at(to, 0), ROWS, WRITTEN);
    a.add(from, at(Registers.PARAMETERS, AmxParameters.STACK_BYTES));
    a.add(to, ROW_BYTES);
    a.dec(SCRATCH);
    a.jump(Condition.NOT_EQUAL, panels);
  }

  /** Moves on to the next group. */
  private void emitGroupEnd() {
    a.mov(SCRATCH, at(Registers.PARAMETERS, AmxParameters.PANELS));
    a.mov(OTHER, at(Registers.PARAMETERS, Parameters.PANEL_BYTES));
    a.imul(OTHER, SCRATCH);
    a.add(Registers.PANEL, OTHER);
    a.mov(OTHER, ROW_BYTES);
    a.imul(OTHER, SCRATCH);
    a.add(Registers.ROW_BYTES, OTHER);
  }

  /** Panels of a group at most: what is unpacked of them stays in the L1 cache. */
  static int groupPanels(Format format) {
    return format.dots() == 1 ? MAX_PANELS : 1;
  }
}
