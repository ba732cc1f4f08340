package io.ladon.engine.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/** Functions of the system's C library. */
public final class SystemFunctions {

  private SystemFunctions() {}

  /** A function, where the system has it. */
  @SuppressWarnings("restricted") // The module is started with native access enabled.
  public static Optional<MethodHandle> find(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.defaultLookup().find(name).map(f -> linker.downcallHandle(f, descriptor));
  }
}
