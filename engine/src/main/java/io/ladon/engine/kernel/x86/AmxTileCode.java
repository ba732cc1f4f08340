package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * The sums of a group of panels and a segment of unpacked blocks, for all token tiles: {@code
 * tdpbf16ps} multiplies a tile of tokens x 32 columns with one of 32 columns x 16 rows.
 *
 * <p>Products and sums of whole numbers that float32 holds are exact in any order, so the dots are
 * those of integers; that they are float32 already spares their conversion. The vector unit is what
 * limits this code: while tiles are in use, a Xeon of the fifth generation starts one instruction
 * of 512-bit floats a cycle instead of two. Each dot takes one multiplication, of its scales, and
 * one fused addition; all else happens beside.
 *
 * <p>Dots go from the tile registers to a ring in memory and from there into the sums. They are
 * begun {@link #ahead} dots before they are added, across the ends of token tiles, so nothing waits
 * for them; the last ones of a segment are begun in vain.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>rax, rdx</td><td>activations and weights of the dots to begin</td></tr>
 *   <tr><td>rcx, rbx</td><td>blocks of the panel and panels of the token tile to begin</td></tr>
 *   <tr><td>rsi, rdi</td><td>in the ring: dots to store, dots to add</td></tr>
 *   <tr><td>r8, r9</td><td>scales of activations and of weights of the dots to add</td></tr>
 *   <tr><td>r10, rbp</td><td>blocks of the panel and panels of the token tile to add</td></tr>
 *   <tr><td>r11</td><td>64: bytes from row to row of all tiles</td></tr>
 *   <tr><td>r12</td><td>the sums of panel and token tile</td></tr>
 *   <tr><td>r13</td><td>token tiles to go</td></tr>
 *   <tr><td>r14</td><td>on the stack of sums</td></tr>
 *   <tr><td>zmm0-15</td><td>sums of each token, 16 rows</td></tr>
 *   <tr><td>zmm16-19</td><td>products of scales</td></tr>
 *   <tr><td>zmm30, 31</td><td>minimum and scale of the block</td></tr>
 * </table>
 */
final class AmxTileCode {

  private static final Gp BEGUN_TOKENS = Gp.RAX;
  private static final Gp BEGUN_WEIGHTS = Gp.RDX;
  private static final Gp BEGUN_BLOCKS = Gp.RCX;
  private static final Gp STORED = Gp.RSI;
  private static final Gp ADDED = Gp.RDI;
  private static final Gp ACTIVATION_SCALES = Gp.R8;
  private static final Gp WEIGHT_SCALES = Gp.R9;
  private static final Gp BLOCKS = Gp.R10;
  private static final Gp STRIDE = Gp.R11;
  private static final Gp SUMS = Gp.R12;
  private static final Gp TILES = Gp.R13;
  private static final Gp BEGUN_PANELS = Gp.RBX;
  private static final Gp PANELS = Gp.RBP;
  private static final Gp PLACE = Gp.R14;

  private static final int DOTS_TILE = 0;
  private static final int TOKENS_TILE = 1;
  private static final int WEIGHTS_TILE = 2;

  private static final Vector MINIMUM = zmm(30);
  private static final Vector SCALE = zmm(31);

  private static final int LINE = AmxParameters.LINE;

  private final Assembler a;
  private final Format format;
  private final int tokens;

  AmxTileCode(Assembler assembler, Format format, int tokens) {
    this.a = assembler;
    this.format = format;
    this.tokens = tokens;
  }

  /** How many dots are begun before one is added; whole blocks, and less than the ring has. */
  private int ahead() {
    return format.dots() == 1 ? 3 : 4;
  }

  void emit() {
    a.mov(STRIDE, LINE);
    a.mov(SUMS, at(Registers.PARAMETERS, Parameters.STACK));
    a.add(SUMS, at(Registers.PARAMETERS, AmxParameters.DEPTH));
    a.mov(TILES, at(Registers.PARAMETERS, AmxParameters.TILES));
    a.mov(BEGUN_TOKENS, at(Registers.PARAMETERS, AmxParameters.RECORDS));
    a.add(BEGUN_TOKENS, at(Registers.PARAMETERS, AmxParameters.OFFSET));
    a.mov(ACTIVATION_SCALES, BEGUN_TOKENS);
    a.add(ACTIVATION_SCALES, AmxParameters.scalesOffset(tokens));
    a.mov(BEGUN_WEIGHTS, at(Registers.PARAMETERS, AmxParameters.UNPACKED));
    a.mov(BEGUN_BLOCKS, at(Registers.PARAMETERS, AmxParameters.BLOCKS));
    a.mov(BEGUN_PANELS, at(Registers.PARAMETERS, AmxParameters.PANELS));
    a.mov(STORED, at(Registers.PARAMETERS, AmxParameters.RING));
    a.mov(ADDED, STORED);
    emitLoad(0);
    for (int dot = 0; dot < ahead(); dot++) {
      if (dot > 0) {
        emitStore();
      }
      emitMultiply();
      emitLoad((dot + 1) % format.dots());
    }
    Label tiles = a.loop();
    a.mov(PANELS, at(Registers.PARAMETERS, AmxParameters.PANELS));
    a.mov(WEIGHT_SCALES, at(Registers.PARAMETERS, AmxParameters.UNPACKED));
    a.add(WEIGHT_SCALES, AmxUnpackCode.TILE);
    Label panels = a.loop();
    emitSumsBegin();
    a.mov(BLOCKS, at(Registers.PARAMETERS, AmxParameters.BLOCKS));
    Label blocks = a.loop();
    for (int dot = 0; dot < format.dots(); dot++) {
      emitStore();
      emitMultiply();
      a.vmovups(SCALE, at(WEIGHT_SCALES, 0));
      emitAdd(0, tokens / 2);
      emitLoad((dot + 1) % format.dots());
      emitAdd(tokens / 2, tokens);
      advance(ADDED);
      if (format.hasMinimum()) {
        emitAddMinimum();
      }
      a.add(WEIGHT_SCALES, AmxUnpackCode.dotBytes(format));
    }
    a.add(ACTIVATION_SCALES, AmxParameters.recordBytes(tokens, format.hasMinimum()));
    a.dec(BLOCKS);
    a.jump(Condition.NOT_EQUAL, blocks);
    emitSumsEnd();
    a.add(SUMS, at(Registers.PARAMETERS, AmxParameters.STACK_BYTES));
    a.add(ACTIVATION_SCALES, at(Registers.PARAMETERS, AmxParameters.REWIND));
    a.dec(PANELS);
    a.jump(Condition.NOT_EQUAL, panels);
    a.add(ACTIVATION_SCALES, at(Registers.PARAMETERS, AmxParameters.TILE_BYTES));
    a.dec(TILES);
    a.jump(Condition.NOT_EQUAL, tiles);
    a.ret();
  }

  /** Stores the dots that were begun last, so that their register is free. */
  private void emitStore() {
    a.tilestored(at(STORED, 0), STRIDE, DOTS_TILE);
    advance(STORED);
  }

  /** To the next place of the ring, which begins on a multiple of twice its size. */
  private void advance(Gp place) {
    a.add(place, AmxParameters.RING_BYTES / 4);
    a.and(place, ~AmxParameters.RING_BYTES);
  }

  private void emitMultiply() {
    a.tilezero(DOTS_TILE);
    a.tdpbf16ps(DOTS_TILE, TOKENS_TILE, WEIGHTS_TILE);
  }

  /** Loads what is multiplied one dot later. */
  private void emitLoad(int dot) {
    if (dot == 0) {
      a.tileloadd(TOKENS_TILE, at(BEGUN_TOKENS, 0), STRIDE);
    }
    a.tileloadd(WEIGHTS_TILE, at(BEGUN_WEIGHTS, 0), STRIDE);
    a.add(BEGUN_WEIGHTS, AmxUnpackCode.dotBytes(format));
    if (dot + 1 < format.dots()) {
      return;
    }
    a.add(BEGUN_TOKENS, AmxParameters.recordBytes(tokens, format.hasMinimum()));
    Label goOn = new Label();
    a.dec(BEGUN_BLOCKS);
    a.jump(Condition.NOT_EQUAL, goOn);
    a.mov(BEGUN_BLOCKS, at(Registers.PARAMETERS, AmxParameters.BLOCKS));
    a.add(BEGUN_TOKENS, at(Registers.PARAMETERS, AmxParameters.REWIND));
    a.dec(BEGUN_PANELS);
    a.jump(Condition.NOT_EQUAL, goOn);
    a.mov(BEGUN_PANELS, at(Registers.PARAMETERS, AmxParameters.PANELS));
    a.mov(BEGUN_WEIGHTS, at(Registers.PARAMETERS, AmxParameters.UNPACKED));
    a.add(BEGUN_TOKENS, at(Registers.PARAMETERS, AmxParameters.TILE_BYTES));
    a.cmp(BEGUN_TOKENS, at(Registers.PARAMETERS, AmxParameters.RECORDS_LAST));
    a.jump(Condition.BELOW_OR_EQUAL, goOn);
    a.mov(BEGUN_TOKENS, at(Registers.PARAMETERS, AmxParameters.RECORDS)); // in vain, see above
    a.bind(goOn);
  }

  /** Adds the dots of some tokens. */
  private void emitAdd(int begin, int end) {
    for (int t = begin; t < end; t++) {
      Vector product = zmm(16 + t % 4);
      a.vmulps(product, SCALE, Memory.each(ACTIVATION_SCALES, Float.BYTES * t));
      a.vfmadd231ps(zmm(t), product, at(ADDED, LINE * t));
    }
  }

  private void emitAddMinimum() {
    a.vmovups(MINIMUM, at(WEIGHT_SCALES, LINE));
    for (int t = 0; t < tokens; t++) {
      a.vfmadd231ps(zmm(t), MINIMUM, Memory.each(ACTIVATION_SCALES, LINE + Float.BYTES * t));
    }
  }

  private void emitSumsBegin() {
    Label unfinished = new Label();
    Label begun = new Label();
    a.mov(BLOCKS, at(Registers.PARAMETERS, AmxParameters.FIRST));
    a.test(BLOCKS, BLOCKS);
    a.jump(Condition.EQUAL, unfinished);
    for (int t = 0; t < tokens; t++) {
      a.vpxord(zmm(t), zmm(t), zmm(t));
    }
    a.jmp(begun);
    a.bind(unfinished);
    for (int t = 0; t < tokens; t++) {
      a.vmovups(zmm(t), at(SUMS, LINE * t));
    }
    a.bind(begun);
  }

  /** Stores the sums, at the end of a leaf after adding those on the stack that are due. */
  private void emitSumsEnd() {
    Label store = new Label();
    a.mov(PLACE, SUMS);
    a.mov(BLOCKS, at(Registers.PARAMETERS, AmxParameters.CLOSING));
    a.test(BLOCKS, BLOCKS);
    a.jump(Condition.EQUAL, store);
    Label merges = new Label();
    a.bind(merges);
    a.dec(BLOCKS);
    a.jump(Condition.EQUAL, store);
    a.sub(PLACE, LINE * tokens);
    for (int t = 0; t < tokens; t++) {
      a.vaddps(zmm(t), zmm(t), at(PLACE, LINE * t));
    }
    a.jmp(merges);
    a.bind(store);
    for (int t = 0; t < tokens; t++) {
      a.vmovups(at(PLACE, LINE * t), zmm(t));
    }
  }
}
