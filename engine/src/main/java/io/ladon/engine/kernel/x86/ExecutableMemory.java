package io.ladon.engine.kernel.x86;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

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

  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  /**
   * The one signature of all functions: six whole numbers, of which a function takes what it needs,
   * and one back. Each further signature would cost the JVM tens of milliseconds at its start.
   */
  private static final FunctionDescriptor SIGNATURE =
      FunctionDescriptor.of(
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG);

  private static final MethodHandle MMAP = system("mmap");
  private static final MethodHandle MPROTECT = system("mprotect");
  private static final MethodHandle MUNMAP = system("munmap");

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
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CALL_STATE);
      long address =
          (long)
              MMAP.invokeExact(
                  state,
                  0L,
                  (long) code.length,
                  PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS,
                  -1L,
                  0L);
      if (address == MAP_FAILED) {
        throw refused("memory for code", state);
      }
      ExecutableMemory memory = new ExecutableMemory(address, code.length);
      memory.segment().copyFrom(MemorySegment.ofArray(code));
      long result =
          (long)
              MPROTECT.invokeExact(
                  state, address, (long) code.length, PROT_READ | PROT_EXEC, 0L, 0L, 0L);
      if ((int) result != 0) {
        memory.close();
        throw refused("executable memory", state);
      }
      return memory;
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static IOException refused(String what, MemorySegment state) {
    return new IOException(
        "the system refuses " + what + " (error number " + (int) ERRNO.get(state, 0L) + ")");
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
    try (Arena arena = Arena.ofConfined()) {
      long result =
          (long) MUNMAP.invokeExact(arena.allocate(CALL_STATE), address, bytes, 0L, 0L, 0L, 0L);
      assert (int) result == 0 : "munmap of " + bytes + " bytes";
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle system(String name) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name),
        SIGNATURE,
        Linker.Option.captureCallState("errno"));
  }

  @SuppressWarnings("restricted")
  private static MethodHandle function() {
    return Linker.nativeLinker().downcallHandle(SIGNATURE, Linker.Option.critical(false));
  }
}
