package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;
import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/** What the running softmax does to the states of rows. */
final class SoftmaxCode {

  private static final int UNIT = 64; // bytes of the scores of a block

  /** The largest score of no position: -infinity. */
  private static final int NO_POSITION = 0xFF800000;

  /** First lane of a tile that a row sees, and the end of those. */
  private static final Gp BEGIN_LANE = Gp.RBX;

  private static final Gp END_LANE = Gp.R9;

  private final Assembler a;
  private final Lanes lanes;
  private final ConstantTable constants;
  private final ExponentialCode exponential;
  private final AttentionLayout layout;

  SoftmaxCode(Lanes lanes, ConstantTable constants, AttentionLayout layout) {
    this.a = lanes.a();
    this.lanes = lanes;
    this.constants = constants;
    this.exponential = new ExponentialCode(a);
    this.layout = layout;
  }

  private Vector register(int number) {
    return lanes.register(number);
  }

  private void exponential(Vector x) {
    exponential.emit(x, register(4), register(5), register(6), register(7));
  }

  /** Makes states those of no position: rdi the first, rsi how many. */
  void clear() {
    Vector zero = register(0);
    Vector lowest = register(1);
    lanes.zero(zero);
    a.repeat(lowest, NO_POSITION);
    Label rows = a.loop();
    for (int offset = 0; offset < layout.maxOffset(); offset += lanes.bytes()) {
      a.vmovups(at(Gp.RDI, offset), zero);
    }
    a.vmovd(at(Gp.RDI, layout.maxOffset()), Vector.xmm(1));
    a.add(Gp.RDI, layout.stateStride());
    a.dec(Gp.RSI);
    a.jump(Condition.NOT_EQUAL, rows);
    a.endWide();
  }

  /**
   * Makes weights of a tile's scores: rdi scores of the first row, rsi its state, rdx its bounds
   * (first position that it sees, and the end of those), rcx how many rows, r8 the tile's first
   * position. Rows that see nothing of the tile keep their state. Scores of positions that a row
   * does not see may be anything.
   */
  void weigh() {
    Gp begin = BEGIN_LANE;
    Gp end = END_LANE;
    a.push(begin);
    constants.aim(a);
    Label rows = a.loop();
    Label next = new Label();
    Label some = new Label();
    a.mov(begin, at(Gp.RDX, AttentionParameters.BEGIN));
    a.sub(begin, Gp.R8);
    a.mov(Gp.RAX, 0);
    a.atLeast(begin, Gp.RAX);
    a.mov(end, at(Gp.RDX, AttentionParameters.END));
    a.sub(end, Gp.R8);
    a.mov(Gp.RAX, AttentionLayout.TILE);
    a.atMost(end, Gp.RAX);
    a.mov(Gp.RAX, end);
    a.sub(Gp.RAX, begin);
    a.cmp(Gp.RAX, 0);
    a.jump(Condition.LESS_OR_EQUAL, next);
    a.cmp(Gp.RAX, AttentionLayout.TILE);
    a.jump(Condition.NOT_EQUAL, some);
    emitRow(new Seen(true));
    a.jmp(next);
    a.bind(some);
    emitRow(new Seen(false));
    a.bind(next);
    a.add(Gp.RDI, layout.scoresStride());
    a.add(Gp.RSI, layout.stateStride());
    a.add(Gp.RDX, AttentionParameters.BOUNDS_BYTES);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, rows);
    a.pop(begin);
    a.endWide();
  }

  /** Which lanes of a tile a row sees: all, or those from one number to another. */
  private final class Seen {

    private final Vector mask = register(13);
    private final Vector begins = register(10);
    private final Vector ends = register(11);
    private final Vector step = register(12);
    private final boolean all;

    /**
     * @param all or else what {@link #BEGIN_LANE} and {@link #END_LANE} say
     */
    Seen(boolean all) {
      this.all = all;
    }

    /** Before the first block. Overwrites rax. */
    void first() {
      if (!all) {
        lanes.repeat(begins, BEGIN_LANE);
        lanes.repeat(ends, END_LANE);
        a.repeat(step, AttentionLayout.BLOCK);
      }
    }

    void next() {
      if (!all) {
        a.vpsubd(begins, begins, step);
        a.vpsubd(ends, ends, step);
      }
    }

    /** Puts something else in the lanes that are not seen. */
    void elsewhere(int i, Vector x, Vector other, Vector scratch) {
      if (!all) {
        mask(i, scratch);
        lanes.xor(x, x, other);
        lanes.and(x, x, mask);
        lanes.xor(x, x, other);
      }
    }

    /** Zeros in the lanes that are not seen. */
    void only(int i, Vector x, Vector scratch) {
      if (!all) {
        mask(i, scratch);
        lanes.and(x, x, mask);
      }
    }

    /** A lane below the end and not below the begin: of the two differences one is negative. */
    private void mask(int i, Vector scratch) {
      a.vmovups(scratch, ConstantTable.lanes(i * lanes.bytes()));
      a.vpsubd(mask, scratch, ends);
      a.vpsubd(scratch, scratch, begins);
      lanes.xor(mask, mask, scratch);
      a.vpsrad(mask, mask, 31);
    }
  }

  private void emitRow(Seen seen) {
    Vector before = register(2);
    Vector max = register(0); // and the register behind it
    Vector x = register(3);
    for (Vector register : new Vector[] {before, register(0), register(1)}) {
      a.vbroadcastss(register, at(Gp.RSI, layout.maxOffset()));
    }
    blocks(
        seen,
        (i, offset) -> {
          a.vmovups(x, at(Gp.RAX, offset));
          seen.elsewhere(i, x, before, register(4));
          a.vmaxps(register(i), x, register(i));
        });
    lanes.reduce(a::vmaxps, 0, x);
    Label scaled = new Label();
    a.vucomiss(Vector.xmm(max.number()), Vector.xmm(before.number()));
    a.jump(Condition.BELOW_OR_EQUAL, scaled);
    a.movsxd(Gp.RAX, at(Gp.RSI, layout.maxOffset()));
    a.vmovd(at(Gp.RSI, layout.maxOffset()), Vector.xmm(max.number()));
    // A state of no position has nothing to scale; and exp(-infinity) takes long on some CPUs.
    a.cmp(Gp.RAX, NO_POSITION);
    a.jump(Condition.EQUAL, scaled);
    a.vsubps(before, before, max);
    exponential(before);
    for (int offset = 0; offset < layout.maxOffset(); offset += lanes.bytes()) {
      a.vmulps(x, before, at(Gp.RSI, offset));
      a.vmovups(at(Gp.RSI, offset), x);
    }
    a.bind(scaled);
    emitWeights(seen, max, x);
  }

  /** What is done to one register of a block's scores; see {@link FloatCode}. */
  private interface Body {
    void emit(int i, int offset);
  }

  /** Goes over the blocks of a row's scores. */
  private void blocks(Seen seen, Body body) {
    seen.first();
    a.mov(Gp.RAX, Gp.RDI);
    a.mov(Gp.R10, AttentionLayout.TILE / AttentionLayout.BLOCK);
    Label blocks = a.loop();
    for (int i = 0; i < lanes.registers(); i++) {
      body.emit(i, i * lanes.bytes());
    }
    seen.next();
    a.add(Gp.RAX, UNIT);
    a.dec(Gp.R10);
    a.jump(Condition.NOT_EQUAL, blocks);
  }

  /** Exponentials of a row's scores, and their sums. */
  private void emitWeights(Seen seen, Vector max, Vector x) {
    int sums = 8;
    for (int i = 0; i < lanes.registers(); i++) {
      a.vmovups(register(sums + i), at(Gp.RSI, layout.lanesOffset() + i * lanes.bytes()));
    }
    blocks(
        seen,
        (i, offset) -> {
          a.vmovups(x, at(Gp.RAX, offset));
          a.vsubps(x, x, max);
          seen.only(i, x, register(4));
          exponential(x);
          seen.only(i, x, register(4));
          a.vmovups(at(Gp.RAX, offset), x);
          a.vaddps(register(sums + i), register(sums + i), x);
        });
    for (int i = 0; i < lanes.registers(); i++) {
      a.vmovups(at(Gp.RSI, layout.lanesOffset() + i * lanes.bytes()), register(sums + i));
    }
  }

  /** Merges the state of a next part into that of the parts before: rdi next, rsi before. */
  void merge() {
    Vector max = register(0);
    Vector next = register(1);
    Vector before = register(2);
    Vector x = register(3);
    constants.aim(a);
    a.vbroadcastss(next, at(Gp.RDI, layout.maxOffset()));
    a.vbroadcastss(before, at(Gp.RSI, layout.maxOffset()));
    a.vmaxps(max, next, before);
    a.vmovd(at(Gp.RSI, layout.maxOffset()), Vector.xmm(max.number()));
    a.vsubps(next, next, max);
    exponential(next);
    a.vsubps(before, before, max);
    exponential(before);
    for (int offset = 0; offset < layout.maxOffset(); offset += lanes.bytes()) {
      a.vmulps(x, before, at(Gp.RSI, offset));
      a.vfmadd231ps(x, next, at(Gp.RDI, offset));
      a.vmovups(at(Gp.RSI, offset), x);
    }
    a.endWide();
  }

  /**
   * Divides the weighted values by the sum of the exponentials: rdi state, rsi result, (head size).
   */
  void finish() {
    Vector factor = register(0);
    constants.aim(a);
    for (int i = 0; i < lanes.registers(); i++) {
      a.vmovups(register(i), at(Gp.RDI, layout.lanesOffset() + i * lanes.bytes()));
    }
    lanes.reduce(a::vaddps, 0, register(3));
    a.vmovups(register(2), constant(Constant.ONE));
    a.vdivps(factor, register(2), factor);
    int done = 0;
    for (int bits = lanes.bits(); bits >= 128; bits /= 2) {
      for (; done + bits / 32 <= layout.headSize(); done += bits / 32) {
        Vector x = new Vector(3, bits);
        a.vmulps(x, new Vector(factor.number(), bits), at(Gp.RDI, 4 * done));
        a.vmovups(at(Gp.RSI, 4 * done), x);
      }
    }
    for (; done < layout.headSize(); done++) {
      a.vbroadcastss(Vector.xmm(3), at(Gp.RDI, 4 * done));
      a.vmulps(Vector.xmm(3), Vector.xmm(3), Vector.xmm(factor.number()));
      a.vmovd(at(Gp.RSI, 4 * done), Vector.xmm(3));
    }
    a.endWide();
  }
}
