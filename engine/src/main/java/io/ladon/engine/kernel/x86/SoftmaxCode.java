package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;
import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/** What the running softmax does to the states of rows. */
final class SoftmaxCode {

  private static final int UNIT = 64; // bytes of the scores of a block

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
    a.mov(Gp.RAX, Float.floatToRawIntBits(Float.NEGATIVE_INFINITY));
    lanes.repeat(lowest, Gp.RAX);
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
   * Makes weights of scores: rdi scores of the first row's first block, rsi its state, rdx how many
   * blocks, rcx how many rows.
   */
  void weigh() {
    Vector before = register(2);
    Vector max = register(0); // and the register behind it
    Vector x = register(3);
    constants.aim(a);
    Label rows = a.loop();
    a.vbroadcastss(before, at(Gp.RSI, layout.maxOffset()));
    for (int i = 0; i < lanes.registers(); i++) {
      a.vbroadcastss(register(i), at(Gp.RSI, layout.maxOffset()));
    }
    a.mov(Gp.RAX, Gp.RDI);
    a.mov(Gp.R8, Gp.RDX);
    Label scores = a.loop();
    for (int i = 0; i < lanes.registers(); i++) {
      a.vmovups(x, at(Gp.RAX, i * lanes.bytes()));
      a.vmaxps(register(i), x, register(i));
    }
    a.add(Gp.RAX, UNIT);
    a.dec(Gp.R8);
    a.jump(Condition.NOT_EQUAL, scores);
    lanes.reduce(a::vmaxps, 0, x);
    Label notLarger = new Label();
    a.vucomiss(Vector.xmm(max.number()), Vector.xmm(before.number()));
    a.jump(Condition.BELOW_OR_EQUAL, notLarger);
    a.vmovd(at(Gp.RSI, layout.maxOffset()), Vector.xmm(max.number()));
    a.vsubps(before, before, max);
    exponential(before);
    for (int offset = 0; offset < layout.maxOffset(); offset += lanes.bytes()) {
      a.vmulps(x, before, at(Gp.RSI, offset));
      a.vmovups(at(Gp.RSI, offset), x);
    }
    a.bind(notLarger);
    emitWeights(max, x);
    a.add(Gp.RDI, layout.scoresStride());
    a.add(Gp.RSI, layout.stateStride());
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, rows);
    a.endWide();
  }

  /** Exponentials of a row's scores, and their sums. */
  private void emitWeights(Vector max, Vector x) {
    int sums = 8;
    for (int i = 0; i < lanes.registers(); i++) {
      a.vmovups(register(sums + i), at(Gp.RSI, layout.lanesOffset() + i * lanes.bytes()));
    }
    a.mov(Gp.RAX, Gp.RDI);
    a.mov(Gp.R8, Gp.RDX);
    Label blocks = a.loop();
    for (int i = 0; i < lanes.registers(); i++) {
      a.vmovups(x, at(Gp.RAX, i * lanes.bytes()));
      a.vsubps(x, x, max);
      exponential(x);
      a.vmovups(at(Gp.RAX, i * lanes.bytes()), x);
      a.vaddps(register(sums + i), register(sums + i), x);
    }
    a.add(Gp.RAX, UNIT);
    a.dec(Gp.R8);
    a.jump(Condition.NOT_EQUAL, blocks);
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
