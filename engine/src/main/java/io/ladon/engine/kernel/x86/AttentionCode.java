package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.AttentionParameters.TILE_KEYS;
import static io.ladon.engine.kernel.x86.AttentionParameters.TILE_VALUES;
import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import io.ladon.engine.kernel.x86.AttentionLayout.Element;
import java.util.Arrays;

/**
 * Scores and weighted values of some rows, which share each load of a key or value. Elements become
 * float32 on the way. Each row's sums stay in registers and take their terms one after the other.
 *
 * <p>Registers, by number: from 0 on the rows' sums, then what all rows share.
 */
final class AttentionCode {

  /** Registers of a row's scores: 32 positions in AVX-512, 16 in AVX2. */
  private static final int WIDTH = 2;

  /** Elements of a head in one round of the loop over them. */
  private static final int UNROLLED = 4;

  private static final int LINE = 64;

  private static final Gp NEXT_KEYS = Gp.R12;
  private static final Gp[] FETCHED = {Gp.R12, Gp.R13};

  private final Assembler a;
  private final Lanes lanes;
  private final AttentionLayout layout;
  private final boolean fetches;
  private final boolean wide;

  /**
   * @param fetches whether the code fetches what will be read next, as rbp says
   */
  AttentionCode(Lanes lanes, AttentionLayout layout, boolean fetches) {
    this.a = lanes.a();
    this.lanes = lanes;
    this.layout = layout;
    this.fetches = fetches;
    this.wide = lanes.bits() == 512;
  }

  /** Rows that fit the registers. */
  static int maxRows(Lanes lanes) {
    return lanes.bits() == 512 ? 8 : 4;
  }

  /** Blocks whose scores are computed together. */
  static int blocksTogether(Lanes lanes) {
    return WIDTH * lanes.floats() / AttentionLayout.BLOCK;
  }

  private Vector register(int number) {
    return lanes.register(number);
  }

  /**
   * Loads a register of elements as float32.
   *
   * @param scale what bytes are multiplied by
   */
  private void load(Vector to, Memory from, Operand scale) {
    switch (layout.element()) {
      case FLOAT -> a.vmovups(to, from);
      case HALF -> a.vcvtph2ps(to, from);
      case BYTE -> {
        a.vpmovsxbd(to, from);
        a.vcvtdq2ps(to, to);
        a.vmulps(to, to, scale);
      }
    }
  }

  /**
   * Scores of some rows: rdi queries, (rows, head size); rsi scores; rdx addresses of blocks of
   * keys; rcx how many blocks, or in AVX-512 pairs of blocks. Meanwhile as much is fetched of as
   * many blocks whose addresses are rbp bytes behind the keys'.
   */
  void scores(int rows) {
    Gp[] keys = wide ? new Gp[] {Gp.R8, Gp.R9} : new Gp[] {Gp.R8};
    Gp[] fetched = fetches ? Arrays.copyOf(FETCHED, keys.length) : new Gp[] {};
    int elementBytes = layout.element().bytes();
    int columnBytes = AttentionLayout.BLOCK * elementBytes;
    for (Gp register : fetched) {
      a.push(register);
    }
    Label units = a.loop();
    for (int i = 0; i < keys.length; i++) {
      a.mov(keys[i], at(Gp.RDX, 8 * i));
    }
    for (int i = 0; i < fetched.length; i++) {
      a.mov(fetched[i], Gp.RDX);
      a.add(fetched[i], Gp.RBP);
      a.mov(fetched[i], at(fetched[i], 8 * i));
    }
    a.mov(Gp.RAX, Gp.RDI);
    for (int i = 0; i < rows * WIDTH; i++) {
      lanes.zero(register(i));
    }
    for (int group = 0; group < layout.groups(); group++) {
      int begin = group * layout.group();
      int elements = Math.min(layout.headSize(), begin + layout.group()) - begin;
      if (layout.element() == Element.BYTE) {
        loadKeyScales(rows, group, keys.length);
      }
      int unrolled = elements % UNROLLED == 0 ? UNROLLED : 1;
      a.mov(Gp.R10, elements / unrolled);
      Label loop = a.loop();
      for (int d = 0; d < unrolled; d++) {
        emitColumn(rows, d, keys, columnBytes);
      }
      a.add(Gp.RAX, 4 * unrolled);
      for (Gp key : keys) {
        a.add(key, unrolled * columnBytes);
      }
      for (Gp next : fetched) {
        emitFetch(next, unrolled * columnBytes);
      }
      a.dec(Gp.R10);
      a.jump(Condition.NOT_EQUAL, loop);
    }
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < WIDTH; i++) {
        a.vmovups(
            at(Gp.RSI, row * layout.scoresStride() + i * lanes.bytes()), register(row * WIDTH + i));
      }
    }
    a.add(Gp.RSI, WIDTH * lanes.bytes());
    a.add(Gp.RDX, 8 * keys.length);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, units);
    for (int i = fetched.length - 1; i >= 0; i--) {
      a.pop(fetched[i]);
    }
    a.endWide();
  }

  private void emitColumn(int rows, int d, Gp[] keys, int columnBytes) {
    int sums = rows * WIDTH;
    Vector query = register(sums + WIDTH);
    for (int i = 0; i < WIDTH; i++) {
      int offset = wide ? 0 : i * lanes.floats() * layout.element().bytes();
      Memory from = at(keys[wide ? i : 0], d * columnBytes + offset);
      load(register(sums + i), from, register(sums + WIDTH + 1 + i));
    }
    for (int row = 0; row < rows; row++) {
      a.vbroadcastss(query, at(Gp.RAX, 4 * (row * layout.headSize() + d)));
      for (int i = 0; i < WIDTH; i++) {
        a.vfmadd231ps(register(row * WIDTH + i), query, register(sums + i));
      }
    }
  }

  /** The scales of a group's keys, those of each position in its lane. */
  private void loadKeyScales(int rows, int group, int blocks) {
    for (int i = 0; i < WIDTH; i++) {
      if (i < blocks) {
        a.mov(Gp.R11, at(Gp.RDX, 8 * i));
      }
      int offset = group * 4 * AttentionLayout.BLOCK + (wide ? 0 : i * lanes.bytes());
      a.vmovups(register(rows * WIDTH + WIDTH + 1 + i), at(Gp.R11, layout.scalesOffset() + offset));
    }
  }

  /** Makes float32 of a block's keys: rdi the block; rsi where they go. */
  void convertKeys() {
    if (layout.element() != Element.BYTE) {
      convert(AttentionLayout.BLOCK * layout.headSize(), register(0));
      return;
    }
    a.mov(Gp.RDX, Gp.RDI);
    a.add(Gp.RDX, layout.scalesOffset());
    for (int group = 0; group < layout.groups(); group++) {
      int elements = Math.min(layout.group(), layout.headSize() - group * layout.group());
      for (int i = 0; i < lanes.registers(); i++) {
        a.vmovups(register(1 + i), at(Gp.RDX, i * lanes.bytes()));
      }
      a.mov(Gp.RAX, elements);
      Label loop = a.loop();
      for (int i = 0; i < lanes.registers(); i++) {
        load(register(0), at(Gp.RDI, i * lanes.floats()), register(1 + i));
        a.vmovups(at(Gp.RSI, i * lanes.bytes()), register(0));
      }
      a.add(Gp.RDI, AttentionLayout.BLOCK);
      a.add(Gp.RSI, 4 * AttentionLayout.BLOCK);
      a.dec(Gp.RAX);
      a.jump(Condition.NOT_EQUAL, loop);
      a.add(Gp.RDX, 4 * AttentionLayout.BLOCK);
    }
    a.endWide();
  }

  /**
   * Makes float32 of a block's values: rdi the block; rsi where they go, and a vector more is
   * written behind them.
   */
  void convertValues() {
    if (layout.element() != Element.BYTE) {
      convert(AttentionLayout.BLOCK * layout.headSize(), register(0));
      return;
    }
    a.mov(Gp.RDX, Gp.RDI);
    a.add(Gp.RDX, layout.scalesOffset());
    a.mov(Gp.RAX, AttentionLayout.BLOCK);
    Label loop = a.loop();
    for (int d = 0; d < layout.headSize(); d += lanes.floats()) {
      a.vbroadcastss(register(1), at(Gp.RDX, d / layout.group() * 4));
      load(register(0), at(Gp.RDI, d), register(1));
      a.vmovups(at(Gp.RSI, 4 * d), register(0));
    }
    a.add(Gp.RDI, layout.positionBytes());
    a.add(Gp.RSI, layout.headBytes());
    a.add(Gp.RDX, layout.groups() * 4);
    a.dec(Gp.RAX);
    a.jump(Condition.NOT_EQUAL, loop);
    a.endWide();
  }

  private void convert(int elements, Vector x) {
    a.mov(Gp.RAX, elements / lanes.floats());
    Label loop = a.loop();
    load(x, at(Gp.RDI, 0), x);
    a.vmovups(at(Gp.RSI, 0), x);
    a.add(Gp.RDI, lanes.floats() * layout.element().bytes());
    a.add(Gp.RSI, lanes.bytes());
    a.dec(Gp.RAX);
    a.jump(Condition.NOT_EQUAL, loop);
    a.endWide();
  }

  /**
   * Adds weighted values of some rows to their states: rdi addresses of a tile's blocks of values;
   * r8 first position in the tile, rsi end of the positions, behind the first; rdx the first row's
   * state; rcx its weights of the tile. Meanwhile, unless rbp is 0, the same positions' keys of the
   * next KV head are fetched, which is probably attended next: they are as far behind the values as
   * these behind their own keys.
   */
  void values(int rows) {
    int vectors = (layout.headSize() - 1) / lanes.floats() + 1;
    // Of each vector a register for every row's sum and one for the value; one more for the weight.
    int most = (lanes.count() - 1) / (rows + 1);
    int passes = (vectors - 1) / most + 1;
    a.push(Gp.RBX);
    if (fetches) {
      a.push(NEXT_KEYS);
    }
    for (int pass = 0; pass < passes; pass++) {
      int begin = pass * vectors / passes;
      emitValues(rows, begin, (pass + 1) * vectors / passes - begin);
    }
    if (fetches) {
      a.pop(NEXT_KEYS);
    }
    a.pop(Gp.RBX);
    a.endWide();
  }

  /** Vectors {@code [first, first + count)} of the head. */
  private void emitValues(int rows, int first, int count) {
    int sums = rows * count;
    Vector weight = register(sums + count);
    Vector scale = register(sums + count); // of use before there is a weight
    moveSums(rows, first, count, true);
    Gp position = Gp.R11;
    Gp next = Gp.RBX;
    a.mov(position, Gp.R8);
    a.mov(Gp.R10, position);
    a.shl(Gp.R10, 2);
    a.add(Gp.R10, Gp.RCX);
    Label blocks = a.loop();
    emitBlock(position, next);
    Label positions = a.loop();
    for (int i = 0; i < count; i++) {
      int element = (first + i) * lanes.floats();
      if (layout.element() == Element.BYTE) {
        a.vbroadcastss(scale, at(Gp.R9, element / layout.group() * 4));
      }
      load(register(sums + i), at(Gp.RAX, element * layout.element().bytes()), scale);
    }
    for (int row = 0; row < rows; row++) {
      a.vbroadcastss(weight, at(Gp.R10, row * layout.scoresStride()));
      for (int i = 0; i < count; i++) {
        a.vfmadd231ps(register(row * count + i), weight, register(sums + i));
      }
    }
    if (fetches && first == 0) {
      emitFetch(NEXT_KEYS, layout.positionBytes());
    }
    a.add(Gp.RAX, layout.positionBytes());
    a.add(Gp.R9, layout.groups() * 4);
    a.add(Gp.R10, 4);
    a.add(position, 1);
    a.cmp(position, next);
    a.jump(Condition.NOT_EQUAL, positions);
    a.cmp(position, Gp.RSI);
    a.jump(Condition.NOT_EQUAL, blocks);
    moveSums(rows, first, count, false);
  }

  /** Where a position's value and its scales are, and where the positions of its block end. */
  private void emitBlock(Gp position, Gp next) {
    Gp slot = next;
    Gp block = Gp.RAX;
    a.mov(block, position);
    a.sar(block, AttentionLayout.BLOCK_BITS);
    a.shl(block, 3);
    a.add(block, Gp.RDI);
    if (fetches) {
      emitKeysToValues(NEXT_KEYS, block);
    }
    a.mov(block, at(block, 0));
    a.mov(slot, position);
    a.and(slot, AttentionLayout.BLOCK - 1);
    a.imul(Gp.R9, slot, layout.groups() * 4);
    a.add(Gp.R9, block);
    a.add(Gp.R9, layout.scalesOffset());
    a.imul(slot, slot, layout.positionBytes());
    a.add(block, slot);
    if (fetches) {
      a.add(NEXT_KEYS, block);
    }
    a.mov(next, position);
    a.and(next, -AttentionLayout.BLOCK);
    a.add(next, AttentionLayout.BLOCK);
    a.atMost(next, Gp.RSI);
  }

  /** Bytes from a block's keys to its values; 0 if rbp is. */
  private void emitKeysToValues(Gp to, Gp entry) {
    Label nothing = new Label();
    a.mov(to, 0);
    a.test(Gp.RBP, Gp.RBP);
    a.jump(Condition.EQUAL, nothing);
    a.mov(to, at(entry, 0));
    a.mov(Gp.R9, at(entry, TILE_KEYS - TILE_VALUES));
    a.sub(to, Gp.R9);
    a.bind(nothing);
  }

  /** Fetches some bytes, and goes on behind them. */
  private void emitFetch(Gp from, int bytes) {
    for (int line = 0; line < bytes; line += LINE) {
      a.prefetcht0(at(from, line));
    }
    a.add(from, bytes);
  }

  private void moveSums(int rows, int first, int count, boolean load) {
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < count; i++) {
        Memory memory = at(Gp.RDX, row * layout.stateStride() + (first + i) * lanes.bytes());
        if (load) {
          a.vmovups(register(row * count + i), memory);
        } else {
          a.vmovups(memory, register(row * count + i));
        }
      }
    }
  }
}
