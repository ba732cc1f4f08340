package io.ladon.engine.kernel.x86;

/** What a vector instruction may read last: a register or memory. */
sealed interface Operand permits Vector, Memory {

  /** Number of the register, or of memory's base. */
  int number();
}
