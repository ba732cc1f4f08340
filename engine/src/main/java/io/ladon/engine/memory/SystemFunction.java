package io.ladon.engine.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Optional;

/**
 * A function of the system's C library that takes whole numbers and addresses, six at most, and
 * returns one or nothing.
 *
 * <p>All are called as if they took six numbers of 64 bits and returned one, since each further
 * signature takes the JVM 5 to 20 ms when it is linked. The conventions of the system allow it: the
 * first six such arguments are in registers of 64 bits, of which a function reads those that it
 * takes; an {@code int} is the low half of one, also when it is returned, and what is in the high
 * half then counts for nothing (System V ABI, AMD64 supplement, 3.2.3; Procedure Call Standard for
 * the Arm 64-bit Architecture, "Parameter passing" and "Result return").
 */
public final class SystemFunction {

  /** Six whole numbers, of which a function takes what it needs, and one back. */
  public static final FunctionDescriptor SIGNATURE =
      FunctionDescriptor.of(
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG,
          ValueLayout.JAVA_LONG);

  private static final int ARGUMENTS = 6;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final long ERRNO = STATE.byteOffset(PathElement.groupElement("errno"));
  private static final MethodHandle CALL = link();

  private final MemorySegment address;

  private SystemFunction(MemorySegment address) {
    this.address = address;
  }

  /**
   * What a function returned.
   *
   * @param value of functions that return 64 bits
   * @param errorNumber the system's, where {@code value} says that the function failed
   */
  public record Result(long value, int errorNumber) {

    /** The value of functions that return an {@code int}. */
    public int number() {
      return (int) value;
    }
  }

  /** A function, where the system has it. */
  public static Optional<SystemFunction> find(String name) {
    return Linker.nativeLinker().defaultLookup().find(name).map(SystemFunction::new);
  }

  /**
   * Calls it.
   *
   * @param arguments numbers, and addresses of memory that stays until this returns
   */
  public Result call(long... arguments) {
    if (arguments.length > ARGUMENTS) {
      throw new IllegalArgumentException(arguments.length + " arguments, more than " + ARGUMENTS);
    }
    long[] a = Arrays.copyOf(arguments, ARGUMENTS);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long value = (long) CALL.invokeExact(address, state, a[0], a[1], a[2], a[3], a[4], a[5]);
      return new Result(value, state.get(ValueLayout.JAVA_INT, ERRNO));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("restricted") // The module is started with native access enabled.
  private static MethodHandle link() {
    return Linker.nativeLinker().downcallHandle(SIGNATURE, Linker.Option.captureCallState("errno"));
  }
}
