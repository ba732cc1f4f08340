package io.ladon.engine.kernel.x86;

/** What a vector instruction may read last: a register or memory. */
sealed interface Operand permits Vector, Memory {}
