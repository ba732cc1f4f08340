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
   */
  public static Kernels named(String name) {
    return choose(name).kernels();
  }

  /** The same with the reason. */
  public static KernelProvider choose(String name) {
    return switch (name) {
      case "scalar" -> new KernelProvider(new ScalarKernels(), "asked for");
      case "auto", "vector" -> new KernelProvider(new ScalarKernels(), "no vector kernels yet");
      default ->
          throw new IllegalArgumentException(
              "no kernels are called '" + name + "': there are scalar, vector and auto");
    };
  }
}
