package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.memory.FetchDistance;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.function.BiConsumer;

/**
 * What one thread can do at most on this machine, now: for benchmarks, to say which fraction of it
 * a kernel reaches. A figure is the best of many short runs by CPU time, as other threads only make
 * it worse.
 */
public final class MachineLimits {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private static final int INSTRUCTIONS = 12; // independent ones, more than any latency needs
  private static final int SUM_TILES = 6; // of eight; the others are multiplied
  private static final int ROUNDS = 100_000;
  private static final int RUNS = 20;

  private MachineLimits() {}

  /**
   * Operations a second of the tier's instruction that multiplies bytes, where a multiplication and
   * its addition are two. Of AVX2 without the additions of its sums; of AMX the one that the
   * kernels use, which multiplies bfloat16.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static double byteOperations(Tier tier) throws IOException {
    return switch (tier) {
      case AMX -> tileOperations();
      case AVX512_VNNI -> operations(tier, 128, (a, i) -> a.vpdpbusd(zmm(i), zmm(30), zmm(31)));
      case AVX_VNNI -> operations(tier, 64, (a, i) -> a.vpdpbusd(ymm(i), ymm(14), ymm(15)));
      case AVX2 -> operations(tier, 64, (a, i) -> a.vpmaddubsw(ymm(i), ymm(14), ymm(15)));
    };
  }

  /**
   * Operations a second of the tier's multiplication and addition of float32.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static double floatOperations(Tier tier) throws IOException {
    return switch (tier) {
      case AMX, AVX512_VNNI ->
          operations(tier, 32, (a, i) -> a.vfmadd231ps(zmm(i), zmm(30), zmm(31)));
      case AVX_VNNI, AVX2 ->
          operations(tier, 16, (a, i) -> a.vfmadd231ps(ymm(i), ymm(14), ymm(15)));
    };
  }

  /** Tiles of 16 rows of 64 bytes; no product waits for the one before. */
  private static double tileOperations() throws IOException {
    double ofInstruction = 2.0 * AmxParameters.MAX_TOKENS * Format.COLUMNS * Format.ROWS;
    try (Arena arena = Arena.ofConfined();
        CodeLoop loop =
            new CodeLoop(
                a -> a.ldtilecfg(at(CodeLoop.ADDRESS, 0)),
                a -> {
                  for (int i = 0; i < SUM_TILES; i++) {
                    a.tdpbf16ps(i, SUM_TILES, SUM_TILES + 1);
                  }
                },
                Assembler::tilerelease)) {
      MemorySegment shapes = arena.allocate(64, 64);
      shapes.set(ValueLayout.JAVA_BYTE, 0, (byte) 1); // the only palette
      for (int tile = 0; tile < SUM_TILES + 2; tile++) {
        shapes.set(ValueLayout.JAVA_SHORT, 16 + 2 * tile, (short) 64); // bytes of a row
        shapes.set(ValueLayout.JAVA_BYTE, 48 + tile, (byte) 16); // rows
      }
      return ofInstruction
          * SUM_TILES
          * ROUNDS
          / leastSeconds(() -> loop.run(ROUNDS, shapes.address()));
    }
  }

  private static double operations(
      Tier tier, int ofInstruction, BiConsumer<Assembler, Integer> instruction) throws IOException {
    try (CodeLoop loop =
        new CodeLoop(
            a -> clear(a, tier),
            a -> {
              for (int i = 0; i < INSTRUCTIONS; i++) {
                instruction.accept(a, i);
              }
            },
            a -> {})) {
      return (double) ofInstruction
          * INSTRUCTIONS
          * ROUNDS
          / leastSeconds(() -> loop.run(ROUNDS, 0));
    }
  }

  /** Zeros: with what happens to be in the registers some CPUs take 30 times as long for floats. */
  private static void clear(Assembler a, Tier tier) {
    if (tier.bits() == 256) {
      for (int i = 0; i < 16; i++) {
        a.vpxor(ymm(i), ymm(i), ymm(i));
      }
    } else {
      for (int i = 0; i < 32; i++) {
        a.vpxord(zmm(i), zmm(i), zmm(i));
      }
    }
  }

  /**
   * Bytes a second that are read from {@code memory}, which is larger than all caches; the best of
   * plain reading and of reading with the kernels' distances of fetching ahead.
   *
   * @throws IOException if the system refuses executable memory
   */
  public static double readBytes(MemorySegment memory) throws IOException {
    double least = Double.POSITIVE_INFINITY;
    for (FetchDistance ahead : MemoryReader.distances()) {
      try (MemoryReader reader = new MemoryReader(ahead)) {
        least = Math.min(least, leastSeconds(() -> reader.read(memory)));
      }
    }
    return memory.byteSize() / least;
  }

  private static double leastSeconds(Runnable work) {
    long best = Long.MAX_VALUE;
    for (int run = 0; run < RUNS; run++) {
      long begin = THREADS.getCurrentThreadCpuTime();
      work.run();
      best = Math.min(best, THREADS.getCurrentThreadCpuTime() - begin);
    }
    return best / 1e9;
  }
}
