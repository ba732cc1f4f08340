package io.ladon.engine.kernel.x86;

/**
 * How a vector instruction is encoded.
 *
 * @param prefix 0 for none, 1 for 66, 2 for F3, 3 for F2
 * @param map of opcodes: 1 for 0F, 2 for 0F38, 3 for 0F3A
 * @param opcode within the map
 * @param memory how much it reads or writes in memory, by which EVEX scales short displacements
 * @param wide the bit W of EVEX, which tells instructions of one opcode apart
 */
record VectorOp(int prefix, int map, int opcode, Tuple memory, boolean wide) {

  /** Bytes in memory, relative to the register's. */
  enum Tuple {
    FULL,
    HALF,
    QUARTER,
    /** 4 bytes, whatever the register. */
    ELEMENT
  }

  VectorOp(int prefix, int map, int opcode, Tuple memory) {
    this(prefix, map, opcode, memory, false);
  }

  static VectorOp of(int prefix, int map, int opcode) {
    return new VectorOp(prefix, map, opcode, Tuple.FULL);
  }

  /** With the bit W set. */
  static VectorOp wide(int prefix, int map, int opcode) {
    return new VectorOp(prefix, map, opcode, Tuple.FULL, true);
  }

  /** Bytes that one unit of a short displacement stands for in EVEX. */
  int unit(Vector register, Memory operand) {
    if (operand.broadcast()) {
      return 4;
    }
    return switch (memory) {
      case FULL -> register.bits() / 8;
      case HALF -> register.bits() / 16;
      case QUARTER -> register.bits() / 32;
      case ELEMENT -> 4;
    };
  }
}
