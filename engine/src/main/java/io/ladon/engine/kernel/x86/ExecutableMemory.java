package io.ladon.engine.kernel.x86;

import io.ladon.engine.memory.SystemFunction;
import java.io.IOException;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Code in memory that the CPU may run. It is written first and made executable then: no page is
 * ever both. For Linux on x86-64.
 *
 * <p>A function takes up to six whole numbers, in rdi, rsi, rdx, rcx, r8 and r9, and may return one
 * in rax.
 */
final class ExecutableMemory implements AutoCloseable {

  private static final long PROT_READ = 1;
  private static final long PROT_WRITE = 2;
  private static final long PROT_EXEC = 4;
  private static final long MAP_PRIVATE = 0x02;
  private static final long MAP_ANONYMOUS = 0x20;
  private static final long MAP_FAILED = -1;

  private static final SystemFunction MMAP = SystemFunction.find("mmap").orElseThrow();
  private static final SystemFunction MPROTECT = SystemFunction.find("mprotect").orElseThrow();
  private static final SystemFunction MUNMAP = SystemFunction.find("munmap").orElseThrow();

  /**
   * Calls a function without the transition to native code: a few nanoseconds. The collector waits
   * meanwhile, so callers keep it short.
   */
  private static final MethodHandle CALL = function();

  private final long address;
  private final long bytes;
  private boolean closed;

  private ExecutableMemory(long address, long bytes) {
    this.address = address;
    this.bytes = bytes;
  }

  /**
   * Makes code executable.
   *
   * @throws IOException if the system refuses; says which call, and its error number
   */
  static ExecutableMemory load(byte[] code) throws IOException {
    SystemFunction.Result mapped =
        MMAP.call(0, code.length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped.value() == MAP_FAILED) {
      throw refused("memory for code", mapped);
    }
    ExecutableMemory memory = new ExecutableMemory(mapped.value(), code.length);
    memory.segment().copyFrom(MemorySegment.ofArray(code));
    SystemFunction.Result executable =
        MPROTECT.call(memory.address, code.length, PROT_READ | PROT_EXEC);
    if (executable.number() != 0) {
      memory.close();
      throw refused("executable memory", executable);
    }
    return memory;
  }

  private static IOException refused(String what, SystemFunction.Result result) {
    return new IOException(
        "the system refuses " + what + " (error number " + result.errorNumber() + ")");
  }

  @SuppressWarnings("restricted") // The module is started with native access enabled.
  private MemorySegment segment() {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** The function at some offset of the code. */
  MemorySegment function(int offset) {
    return MemorySegment.ofAddress(address + offset);
  }

  /** Calls a function of one argument, mostly the address of its parameters. */
  static void call(MemorySegment function, long parameters) {
    call(function, parameters, 0, 0, 0, 0, 0);
  }

  /**
   * Calls a function.
   *
   * @param function from {@link #function(int)} of memory that is not closed
   * @return what it left in rax
   */
  static long call(MemorySegment function, long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(function, a, b, c, d, e, f);
    } catch (RuntimeException | Error thrown) {
      throw thrown;
    } catch (Throwable thrown) {
      throw new IllegalStateException(thrown);
    }
  }

  /** Frees the memory; whoever still calls into it crashes. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    int result = MUNMAP.call(address, bytes).number();
    assert result == 0 : "munmap of " + bytes + " bytes";
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function() {
    return Linker.nativeLinker()
        .downcallHandle(SystemFunction.SIGNATURE, Linker.Option.critical(false));
  }
}
