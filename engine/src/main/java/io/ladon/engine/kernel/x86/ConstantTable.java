package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.ToDoubleFunction;

/**
 * Constants in memory, each repeated in 16 lanes, so that any instruction can have one as its last
 * operand. The code has the table's address in it, so the table must live as long.
 */
@SuppressWarnings("EnumOrdinal") // Places in a table that never leaves the process.
final class ConstantTable {

  /** The register that {@link #aim} fills. */
  static final Gp BASE = Gp.R11;

  private static final int BYTES = 64;

  /** The exponent of 1, as an integer: the one constant that is none of a float's. */
  private static final int BIAS = 127;

  private final MemorySegment table;

  /**
   * @param values float32 numbers
   */
  ConstantTable(Arena arena, ToDoubleFunction<Constant> values) {
    Constant[] constants = Constant.values();
    table = arena.allocate((constants.length + 2L) * BYTES, BYTES);
    for (Constant constant : constants) {
      float value = (float) values.applyAsDouble(constant);
      fill(constant.ordinal(), Float.floatToRawIntBits(value));
    }
    fill(constants.length, BIAS);
    for (int lane = 0; lane < 16; lane++) {
      table.setAtIndex(ValueLayout.JAVA_INT, (constants.length + 1) * 16L + lane, lane);
    }
  }

  private void fill(int place, int bits) {
    for (int lane = 0; lane < 16; lane++) {
      table.setAtIndex(ValueLayout.JAVA_INT, place * 16L + lane, bits);
    }
  }

  /** Emits what makes {@link #constant} work: the base register. */
  void aim(Assembler a) {
    a.movabs(BASE, table.address());
  }

  /** A constant in all lanes. */
  static Memory constant(Constant constant) {
    return at(BASE, constant.ordinal() * BYTES);
  }

  /** 127 as an integer in all lanes. */
  static Memory bias() {
    return at(BASE, Constant.values().length * BYTES);
  }

  /**
   * The numbers of the lanes, as integers.
   *
   * @param offset bytes from the first of 16
   */
  static Memory lanes(int offset) {
    return at(BASE, (Constant.values().length + 1) * BYTES + offset);
  }
}
