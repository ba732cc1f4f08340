package io.ladon.engine.kernel.x86;

import java.util.List;

/** Instructions that are put evenly among others, in their order. */
final class InstructionSpread {

  static final InstructionSpread NOTHING = new InstructionSpread(List.of(), 0);

  private final List<Runnable> instructions;
  private final int among;
  private int emitted;
  private int passed; // of the others

  /**
   * @param instructions each emits one
   * @param among how many others there will be
   */
  InstructionSpread(List<Runnable> instructions, int among) {
    this.instructions = instructions;
    this.among = among;
  }

  /** Emits what is due before the next of the others. */
  void beforeNext() {
    while (emitted < instructions.size() && emitted * among <= passed * instructions.size()) {
      emitNext();
    }
    passed++;
  }

  /** Emits what is left. */
  void finish() {
    while (emitted < instructions.size()) {
      emitNext();
    }
  }

  private void emitNext() {
    instructions.get(emitted++).run();
  }
}
