package io.ladon.engine.kernel.x86;

import java.io.IOException;

/**
 * Linux saves the 8 KiB of a thread's tiles only for processes that have asked to use them; any
 * other dies of its first tile instruction.
 */
final class TilePermission {

  private static final int ARCH_PRCTL = 158;
  private static final int REQUEST_PERMISSION = 0x1023; // ARCH_REQ_XCOMP_PERM, Linux 5.16
  private static final int TILE_DATA = 18; // the number of its bit in XCR0

  private TilePermission() {}

  /**
   * Asks, for all threads of this process; to ask again is no harm.
   *
   * @return why not; empty if the system permits it
   * @throws IOException if the system refuses executable memory
   */
  static String refusal() throws IOException {
    Assembler a = new Assembler();
    a.mov(Gp.RAX, ARCH_PRCTL);
    a.syscall();
    a.ret();
    try (ExecutableMemory code = ExecutableMemory.load(a.toBytes())) {
      long result =
          ExecutableMemory.call(code.function(0), REQUEST_PERMISSION, TILE_DATA, 0, 0, 0, 0);
      return result == 0
          ? ""
          : "the system refuses the use of tiles (error number " + -result + ")";
    }
  }
}
