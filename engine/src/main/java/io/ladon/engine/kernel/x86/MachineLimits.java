package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * What one thread can do at most on this machine, now: for benchmarks, to say which fraction of it
 * a kernel reaches. A figure is the best of many short runs by CPU time, as other threads only make
 * it worse.
 */
public final class MachineLimits {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private static final int INSTRUCTIONS = 12; // independent ones, more than any latency needs
  private static final int ROUNDS = 100_000;
  private static final int LOOP = 256; // bytes of a round of reading
  private static final int RUNS = 20;

  // Offsets of parameters.
  private static final int COUNT = 0;
  private static final int ADDRESS = 8;

  private MachineLimits() {}

  /**
   * Operations a second of the tier's instruction that multiplies bytes, where a multiplication and
   * its addition are two. Of AVX2 without the additions of its sums.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static double byteOperations(Tier tier) throws IOException {
    return switch (tier) {
      case AVX512_VNNI -> operations(128, (a, i) -> a.vpdpbusd(zmm(i), zmm(30), zmm(31)));
      case AVX2 -> operations(64, (a, i) -> a.vpmaddubsw(ymm(i), ymm(14), ymm(15)));
    };
  }

  /**
   * Operations a second of the tier's multiplication and addition of float32.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static double floatOperations(Tier tier) throws IOException {
    return switch (tier) {
      case AVX512_VNNI -> operations(32, (a, i) -> a.vfmadd231ps(zmm(i), zmm(30), zmm(31)));
      case AVX2 -> operations(16, (a, i) -> a.vfmadd231ps(ymm(i), ymm(14), ymm(15)));
    };
  }

  private static double operations(int ofInstruction, BiConsumer<Assembler, Integer> instruction)
      throws IOException {
    double perRound = (double) ofInstruction * INSTRUCTIONS;
    return ROUNDS
        * perRound
        / seconds(
            ROUNDS,
            MemorySegment.NULL,
            a -> {
              for (int i = 0; i < INSTRUCTIONS; i++) {
                instruction.accept(a, i);
              }
            });
  }

  /**
   * Bytes a second that are read from {@code memory}, which is larger than all caches; the better
   * of plain reading and of reading with the kernels' distances of fetching ahead.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static double readBytes(MemorySegment memory) throws IOException {
    int rounds = Math.toIntExact(memory.byteSize() / LOOP);
    double plain = seconds(rounds, memory, a -> read(a, false));
    double ahead = seconds(rounds, memory, a -> read(a, true));
    return (double) LOOP * rounds / Math.min(plain, ahead);
  }

  private static void read(Assembler a, boolean fetchAhead) {
    for (int line = 0; line < LOOP; line += 64) {
      if (fetchAhead) {
        a.prefetcht0(at(Gp.RDX, line + ProductCode.AHEAD_BYTES));
        a.prefetcht1(at(Gp.RDX, line + ProductCode.FAR_AHEAD_BYTES));
      }
      a.vmovups(ymm(line / 32), at(Gp.RDX, line));
      a.vmovups(ymm(line / 32 + 1), at(Gp.RDX, line + 32));
    }
    a.add(Gp.RDX, LOOP);
  }

  /** The least time of some rounds of {@code body}, which may use rdx as its address. */
  private static double seconds(int rounds, MemorySegment memory, Consumer<Assembler> body)
      throws IOException {
    Assembler a = new Assembler();
    a.mov(Gp.RCX, at(Gp.RDI, COUNT));
    a.mov(Gp.RDX, at(Gp.RDI, ADDRESS));
    Label loop = a.loop();
    body.accept(a);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, loop);
    a.vzeroupper();
    a.ret();
    try (ExecutableMemory code = ExecutableMemory.load(a.toBytes());
        Arena arena = Arena.ofConfined()) {
      MemorySegment parameters = arena.allocate(16, 8);
      parameters.set(ValueLayout.JAVA_LONG, COUNT, rounds);
      parameters.set(ValueLayout.JAVA_LONG, ADDRESS, memory.address());
      long best = Long.MAX_VALUE;
      for (int run = 0; run < RUNS; run++) {
        long begin = THREADS.getCurrentThreadCpuTime();
        ExecutableMemory.call(code.function(0), parameters.address());
        best = Math.min(best, THREADS.getCurrentThreadCpuTime() - begin);
      }
      return best / 1e9;
    }
  }
}
