package io.ladon.engine.kernel;

import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.Tier;
import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Picks the kernels for this machine. Says why, for a log, but logs nothing itself.
 *
 * @param reason why these kernels, in a few words
 */
public record KernelProvider(Kernels kernels, String reason) {

  /** What {@link #named} knows, for people: {@code machine} is the best of the x86 ones. */
  public static final String NAMES =
      "auto, scalar, vector, machine, x86-amx, x86-avx512vnni, x86-avxvnni, x86-avx2";

  private static final String VECTOR_MODULE = "jdk.incubator.vector";

  /** Machine code is assembled and tested once in a process. */
  private static final Map<Tier, Machine> MACHINES = new EnumMap<>(Tier.class);

  /**
   * Machine code, or what keeps it from running here.
   *
   * @param obstacle empty if there is none
   */
  record Machine(@Nullable Kernels kernels, String obstacle) {}

  /** Tries to start a tier's machine code. */
  interface MachineStarter {
    Machine start(Tier tier);
  }

  /** The quickest kernels that this machine can run. */
  public static Kernels best() {
    return choose("auto").kernels();
  }

  /**
   * Kernels by name.
   *
   * @param name {@code scalar}, {@code vector}, {@code machine} (the best machine code), one of
   *     {@link Tier#label} or {@code auto}
   * @throws IllegalArgumentException for any other name; the message has the possible ones
   * @throws IllegalStateException if this machine or process cannot run them; says what is missing
   */
  public static Kernels named(String name) {
    return choose(name).kernels();
  }

  /** The same with the reason. */
  public static KernelProvider choose(String name) {
    return choose(name, KernelProvider::machineOfProcess);
  }

  /** Whether these kernels are machine code, which needs nothing of the Vector API. */
  public boolean isMachineCode() {
    return kernels instanceof MachineKernels;
  }

  /** Whether this process can run kernels in the Vector API: an option of the JVM. */
  public static boolean hasVectorModule() {
    return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
  }

  static KernelProvider choose(String name, MachineStarter starter) {
    return switch (name) {
      case "scalar" -> new KernelProvider(new ScalarKernels(), "asked for");
      case "vector" -> {
        String obstacle = vectorObstacle();
        if (!obstacle.isEmpty()) {
          throw new IllegalStateException("no vector kernels: " + obstacle);
        }
        yield new KernelProvider(new VectorKernels(), "asked for");
      }
      case "machine" -> machine(starter, "asked for", Tier.values());
      case "auto" -> auto(starter);
      default -> machine(starter, "asked for", tierNamed(name));
    };
  }

  private static Tier tierNamed(String name) {
    for (Tier tier : Tier.values()) {
      if (tier.label().equals(name)) {
        return tier;
      }
    }
    throw new IllegalArgumentException(
        "no kernels are called '%s': there are %s".formatted(name, NAMES));
  }

  private static KernelProvider auto(MachineStarter starter) {
    try {
      return machine(starter, "the CPU has what they need", Tier.values());
    } catch (IllegalStateException e) {
      String obstacle = vectorObstacle();
      if (!obstacle.isEmpty()) {
        return new KernelProvider(
            new ScalarKernels(), "no vector kernels: %s; %s".formatted(obstacle, e.getMessage()));
      }
      return new KernelProvider(
          new VectorKernels(),
          "the CPU has vectors of %d bits; %s".formatted(Simd.BITS, e.getMessage()));
    }
  }

  /** The first of some tiers that this machine can run; the reason names those it cannot. */
  private static KernelProvider machine(MachineStarter starter, String reason, Tier... tiers) {
    StringBuilder obstacles = new StringBuilder();
    for (Tier tier : tiers) {
      Machine machine = starter.start(tier);
      if (machine.kernels() != null) {
        return new KernelProvider(machine.kernels(), reason + obstacles);
      }
      obstacles.append("; no ").append(tier.label()).append(": ").append(machine.obstacle());
    }
    throw new IllegalStateException(obstacles.substring(2));
  }

  private static Machine machineOfProcess(Tier tier) {
    synchronized (MACHINES) {
      return MACHINES.computeIfAbsent(tier, KernelProvider::start);
    }
  }

  private static Machine start(Tier tier) {
    try {
      String obstacle = MachineCode.obstacle(tier);
      if (!obstacle.isEmpty()) {
        return new Machine(null, obstacle);
      }
      MachineCode code = MachineCode.assemble(tier, Exponential::constant);
      Kernels kernels = new MachineKernels(code);
      obstacle = KernelSelfTest.difference(kernels);
      if (!obstacle.isEmpty()) {
        code.close();
        return new Machine(null, obstacle);
      }
      return new Machine(kernels, "");
    } catch (IOException e) {
      return new Machine(null, String.valueOf(e.getMessage()));
    }
  }

  /** What keeps the vector kernels from running here; empty for nothing. */
  private static String vectorObstacle() {
    if (!hasVectorModule()) {
      return "Java runs without --add-modules " + VECTOR_MODULE;
    }
    return Simd.supported() ? "" : "the CPU has no vectors of " + Simd.BITS + " bits";
  }
}
