package io.ladon.engine.kernel;

/**
 * Picks the kernels for this machine. Says why, for a log, but logs nothing itself.
 *
 * @param reason why these kernels, in a few words
 */
public record KernelProvider(Kernels kernels, String reason) {

  /** The quickest kernels that this machine can run. */
  public static Kernels best() {
    return choose("auto").kernels();
  }

  /**
   * Kernels by name.
   *
   * @param name {@code scalar}, {@code vector} or {@code auto}
   * @throws IllegalArgumentException for any other name; the message has the possible ones
   * @throws IllegalStateException if this machine or process cannot run them; says what is missing
   */
  public static Kernels named(String name) {
    return choose(name).kernels();
  }

  /** The same with the reason. */
  public static KernelProvider choose(String name) {
    return switch (name) {
      case "scalar" -> new KernelProvider(new ScalarKernels(), "asked for");
      case "vector" -> {
        String obstacle = vectorObstacle();
        if (!obstacle.isEmpty()) {
          throw new IllegalStateException("no vector kernels: " + obstacle);
        }
        yield new KernelProvider(new VectorKernels(), "asked for");
      }
      case "auto" -> {
        String obstacle = vectorObstacle();
        yield obstacle.isEmpty()
            ? new KernelProvider(
                new VectorKernels(), "the CPU has vectors of " + Simd.BITS + " bits")
            : new KernelProvider(new ScalarKernels(), "no vector kernels: " + obstacle);
      }
      default ->
          throw new IllegalArgumentException(
              "no kernels are called '" + name + "': there are scalar, vector and auto");
    };
  }

  /** What keeps the vector kernels from running here; empty for nothing. */
  private static String vectorObstacle() {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      return "Java runs without --add-modules jdk.incubator.vector";
    }
    return Simd.supported() ? "" : "the CPU has no vectors of " + Simd.BITS + " bits";
  }
}
