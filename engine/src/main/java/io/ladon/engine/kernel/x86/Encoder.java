package io.ladon.engine.kernel.x86;

import java.util.List;

/**
 * Instruction formats: prefixes (REX, VEX, EVEX), ModRM, SIB and displacement. Bits that extend a
 * register's number past 7 are spread over the prefixes, in VEX and EVEX inverted.
 */
abstract class Encoder {

  /** No register where VEX has room for a second source. */
  static final int NONE = 0;

  /** Lanes that a write mask leaves out become 0, instead of staying as they are. */
  static final int ZEROING = 1 << 7;

  private static final int RSP = 4; // in ModRM stands for: SIB follows
  private static final int NO_INDEX = 4; // in SIB; so rsp is never one
  private static final int RBP = 5; // in ModRM without displacement stands for: relative to RIP

  private final CodeBuffer code = new CodeBuffer();
  private InstructionSpread spread = InstructionSpread.NOTHING;
  private int vectorInstructions;

  final CodeBuffer code() {
    return code;
  }

  /**
   * Emits a body with other instructions evenly among its vector instructions.
   *
   * @param others each emits one that may stand anywhere in the body, and is no vector instruction
   * @param body is run twice, the first time to count
   */
  final void spread(List<Runnable> others, Runnable body) {
    int begin = code.size();
    int before = vectorInstructions;
    body.run();
    code.shrink(begin);
    spread = new InstructionSpread(others, vectorInstructions - before);
    body.run();
    spread.finish();
    spread = InstructionSpread.NOTHING;
  }

  /** A 64-bit integer instruction of register and register. */
  final void integer(int opcode, Gp reg, Gp rm) {
    code.putByte(0x48 | reg.number() >> 3 << 2 | rm.number() >> 3);
    code.putByte(opcode);
    direct(reg.number(), rm.number());
  }

  /** A 64-bit integer instruction with an opcode's extension in place of a register. */
  final void integer(int opcode, int extension, Gp rm) {
    code.putByte(0x48 | rm.number() >> 3);
    code.putByte(opcode);
    direct(extension, rm.number());
  }

  /** The same with an opcode of two bytes. */
  final void integer(int escape, int opcode, Gp reg, Gp rm) {
    code.putByte(0x48 | reg.number() >> 3 << 2 | rm.number() >> 3);
    code.putByte(escape);
    code.putByte(opcode);
    direct(reg.number(), rm.number());
  }

  /** A 64-bit integer instruction of register and memory. */
  final void integer(int opcode, Gp reg, Memory memory) {
    code.putByte(0x48 | reg.number() >> 3 << 2 | memory.base().number() >> 3);
    code.putByte(opcode);
    indirect(reg.number(), memory, 1);
  }

  /** An instruction of memory only, of the operand size that needs no prefix. */
  final void memoryOnly(int map, int opcode, int extension, Memory memory) {
    if (memory.base().number() >= 8) {
      code.putByte(0x41);
    }
    if (map == 1) {
      code.putByte(0x0F);
    }
    code.putByte(opcode);
    indirect(extension, memory, 1);
  }

  /**
   * A vector instruction without write mask.
   *
   * @param reg the ModRM register: mostly the destination
   * @param second number of the register in {@code vvvv}, mostly the first source
   * @param last the ModRM operand
   */
  final void vector(VectorOp op, Vector reg, int second, Operand last) {
    boolean high =
        reg.number() >= 16 || second >= 16 || (last instanceof Vector v && v.number() >= 16);
    boolean wide = reg.bits() == 512 || (last instanceof Vector v && v.bits() == 512);
    boolean broadcast = last instanceof Memory m && m.broadcast();
    if (high || wide || broadcast) {
      evex(op, reg, second, last, 0);
    } else {
      vex(op, reg, second, last);
    }
  }

  private void beginVector() {
    vectorInstructions++;
    spread.beforeNext();
  }

  private void vex(VectorOp op, Vector reg, int second, Operand last) {
    beginVector();
    int base = last.number();
    int length = reg.bits() == 256 || (last instanceof Vector v && v.bits() == 256) ? 1 : 0;
    int tail = (~second & 15) << 3 | length << 2 | op.prefix();
    int r = ~reg.number() >> 3 & 1;
    if (op.map() == 1 && base < 8) {
      code.putByte(0xC5);
      code.putByte(r << 7 | tail);
    } else {
      code.putByte(0xC4);
      code.putByte(r << 7 | 1 << 6 | (~base >> 3 & 1) << 5 | op.map());
      code.putByte(tail);
    }
    code.putByte(op.opcode());
    operand(reg.number(), last, 1);
  }

  /**
   * @param mask number of the write mask, with {@link #ZEROING} or without; 0 for none
   */
  final void evex(VectorOp op, Vector reg, int second, Operand last, int mask) {
    beginVector();
    int base = last.number();
    Vector size = last instanceof Vector v && v.bits() > reg.bits() ? v : reg;
    int length = size.bits() == 512 ? 2 : size.bits() == 256 ? 1 : 0;
    boolean broadcast = last instanceof Memory m && m.broadcast();
    code.putByte(0x62);
    code.putByte(
        (~reg.number() >> 3 & 1) << 7
            | (~base >> 4 & 1) << 6
            | (~base >> 3 & 1) << 5
            | (~reg.number() >> 4 & 1) << 4
            | op.map());
    code.putByte((op.wide() ? 1 << 7 : 0) | (~second & 15) << 3 | 1 << 2 | op.prefix());
    code.putByte(length << 5 | (broadcast ? 1 << 4 : 0) | (~second >> 4 & 1) << 3 | mask);
    code.putByte(op.opcode());
    operand(reg.number(), last, last instanceof Memory m ? op.unit(size, m) : 1);
  }

  /** An instruction of tile registers only. */
  final void tiles(VectorOp op, int reg, int second, int rm) {
    tilePrefix(op, second, 0, 0);
    direct(reg, rm);
  }

  /** An instruction of memory in which {@code row i} is {@code i * stride} further. */
  final void tileMemory(VectorOp op, int reg, Memory memory, Gp stride) {
    tilePrefix(op, 0, memory.base().number(), stride.number());
    indirect(reg, memory, stride.number() & 7, 1);
  }

  /** An instruction of memory without rows. */
  final void tileMemory(VectorOp op, Memory memory) {
    tilePrefix(op, 0, memory.base().number(), 0);
    indirect(0, memory, 1);
  }

  private void tilePrefix(VectorOp op, int second, int base, int index) {
    code.putByte(0xC4);
    code.putByte(1 << 7 | (~index >> 3 & 1) << 6 | (~base >> 3 & 1) << 5 | op.map());
    code.putByte((~second & 15) << 3 | op.prefix());
    code.putByte(op.opcode());
  }

  private void operand(int reg, Operand rm, int unit) {
    if (rm instanceof Memory m) {
      indirect(reg, m, unit);
    } else {
      direct(reg, rm.number());
    }
  }

  private void direct(int reg, int rm) {
    code.putByte(0xC0 | (reg & 7) << 3 | (rm & 7));
  }

  /**
   * @param unit bytes that one unit of a displacement of one byte stands for
   */
  private void indirect(int reg, Memory memory, int unit) {
    indirect(reg, memory, NO_INDEX, unit);
  }

  private void indirect(int reg, Memory memory, int index, int unit) {
    int base = memory.base().number() & 7;
    int displacement = memory.displacement();
    boolean isShort =
        displacement % unit == 0 && (byte) (displacement / unit) * unit == displacement;
    int mode = displacement == 0 && base != RBP ? 0 : isShort ? 1 : 2;
    boolean hasSib = base == RSP || index != NO_INDEX;
    code.putByte(mode << 6 | (reg & 7) << 3 | (hasSib ? RSP : base));
    if (hasSib) {
      code.putByte(index << 3 | base);
    }
    if (mode == 1) {
      code.putByte(displacement / unit);
    } else if (mode == 2) {
      code.putInt(displacement);
    }
  }
}
