package io.ladon.engine.kernel.x86;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import java.io.IOException;
import java.util.function.Consumer;

/** Some instructions, to be run again and again; any number of threads may do so at once. */
final class CodeLoop implements AutoCloseable {

  /** Where the instructions find the address that the loop is run with. */
  static final Gp ADDRESS = Gp.RSI;

  private final ExecutableMemory code;

  /**
   * @param body may use vectors and {@link #ADDRESS}
   * @throws IOException if the system refuses executable memory
   */
  CodeLoop(Consumer<Assembler> body) throws IOException {
    this(a -> {}, body, a -> {});
  }

  /**
   * @param before runs once, and has the address
   * @param after runs once
   */
  CodeLoop(Consumer<Assembler> before, Consumer<Assembler> body, Consumer<Assembler> after)
      throws IOException {
    Assembler a = new Assembler();
    before.accept(a);
    emit(a, body, after);
    code = ExecutableMemory.load(a.toBytes());
  }

  /** A function of (rounds, address). */
  static void emit(Assembler a, Consumer<Assembler> body) {
    emit(a, body, end -> {});
  }

  /** The same with something to be done at the end. */
  static void emit(Assembler a, Consumer<Assembler> body, Consumer<Assembler> after) {
    Label loop = a.loop();
    body.accept(a);
    a.dec(Gp.RDI);
    a.jump(Condition.NOT_EQUAL, loop);
    after.accept(a);
    a.endWide();
  }

  /**
   * @param rounds one at least
   */
  void run(long rounds, long address) {
    ExecutableMemory.call(code.function(0), rounds, address, 0, 0, 0, 0);
  }

  @Override
  public void close() {
    code.close();
  }
}
