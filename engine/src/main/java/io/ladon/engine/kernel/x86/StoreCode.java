package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import io.ladon.engine.kernel.x86.AttentionLayout.Element;

/** The function that stores keys and values as half precision; in AVX2 whatever the width. */
record StoreCode(Assembler a, AttentionLayout layout, ConstantTable constants) {

  private static final int HALVES = 8; // of a register of 128 bits

  /** Whether there is such a function for the layout. */
  static boolean serves(AttentionLayout layout) {
    return layout.element() == Element.HALF && layout.headSize() % HALVES == 0;
  }

  /**
   * Stores keys and values of consecutive positions of a block: rdi first key, rsi first value, rdx
   * and rcx where they go, r8 positions, r9 bytes from one position's key, and value, to the next
   * one's. What is beyond the range becomes the largest number, NaN the lowest.
   */
  void emit() {
    Vector x = ymm(0);
    Vector halves = xmm(0);
    Vector lowest = ymm(1);
    Vector largest = ymm(2);
    constants.aim(a);
    a.vmovups(lowest, ConstantTable.constant(Constant.LOWEST_HALF));
    a.vmovups(largest, ConstantTable.constant(Constant.LARGEST_HALF));
    a.sub(Gp.R9, 4 * layout.headSize());
    Label position = a.loop();
    a.mov(Gp.RAX, layout.headSize() / HALVES);
    Label loop = a.loop();
    for (Gp from : new Gp[] {Gp.RDI, Gp.RSI}) {
      a.vmovups(x, at(from, 0));
      a.vmaxps(x, x, lowest);
      a.vminps(x, x, largest);
      a.vcvtps2ph(halves, x);
      if (from.equals(Gp.RSI)) {
        a.vmovdqu(at(Gp.RCX, 0), halves);
      } else {
        for (int i = 0; i < HALVES; i++) {
          a.vpextrw(at(Gp.RDX, 2 * AttentionLayout.BLOCK * i), halves, i);
        }
      }
      a.add(from, 4 * HALVES);
    }
    a.add(Gp.RDX, 2 * AttentionLayout.BLOCK * HALVES);
    a.add(Gp.RCX, 2 * HALVES);
    a.dec(Gp.RAX);
    a.jump(Condition.NOT_EQUAL, loop);
    a.add(Gp.RDI, Gp.R9);
    a.add(Gp.RSI, Gp.R9);
    a.sub(Gp.RDX, 2 * (AttentionLayout.BLOCK * layout.headSize() - 1)); // the next lane
    a.dec(Gp.R8);
    a.jump(Condition.NOT_EQUAL, position);
    a.endWide();
  }
}
