package io.ladon.cli.bench;

import io.ladon.engine.kernel.SlabAllocator;
import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.MemoryReader;
import io.ladon.engine.kernel.x86.Tier;
import io.ladon.engine.memory.FetchDistance;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * How quickly this machine's memory can be read by some threads at once: buffers in huge pages that
 * no cache holds, by machine code where there is some for this CPU, fetching ahead or not, else by
 * a plain sum.
 */
public final class ReadBandwidth {

  private static final long BYTES_EACH = 256L << 20;
  private static final int WARM_UP = 3;
  private static final int RUNS = 7;
  private static final long LIMIT_SECONDS = 120;

  /** Where sums go, so that the compiler does not leave them out. */
  private static final AtomicLong LATEST_SUM = new AtomicLong();

  private ReadBandwidth() {}

  /**
   * Best of several runs, in bytes a second, of so many threads at once.
   *
   * @throws IllegalStateException if it takes longer than two minutes
   */
  public static double measure(int threads) throws InterruptedException {
    try (Arena arena = Arena.ofShared();
        ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      SlabAllocator allocator = new SlabAllocator(arena);
      List<MemorySegment> buffers = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        MemorySegment buffer = allocator.allocate(BYTES_EACH, 64);
        buffer.fill((byte) (t + 1)); // so that pages are there, and not all one zero page
        buffers.add(buffer);
      }
      if (!hasCode()) {
        return best(executor, buffers, ReadBandwidth::sum);
      }
      double best = 0;
      for (FetchDistance ahead : MemoryReader.distances()) {
        try (MemoryReader reader = new MemoryReader(ahead)) {
          best = Math.max(best, best(executor, buffers, reader::read));
        }
      }
      return best;
    } catch (IOException | ExecutionException | TimeoutException e) {
      throw new IllegalStateException("reading memory took too long or failed", e);
    }
  }

  private static boolean hasCode() {
    try {
      return MachineCode.obstacle(Tier.AVX2).isEmpty();
    } catch (IOException e) {
      return false; // the system refuses executable memory
    }
  }

  private static double best(
      ExecutorService executor, List<MemorySegment> buffers, Consumer<MemorySegment> reader)
      throws InterruptedException, ExecutionException, TimeoutException {
    CyclicBarrier start = new CyclicBarrier(buffers.size());
    double best = 0;
    for (int run = 0; run < WARM_UP + RUNS; run++) {
      List<Future<Long>> times = new ArrayList<>();
      for (MemorySegment buffer : buffers) {
        times.add(executor.submit(() -> nanos(start, buffer, reader)));
      }
      long longest = 1;
      for (Future<Long> time : times) {
        longest = Math.max(longest, time.get(LIMIT_SECONDS, TimeUnit.SECONDS));
      }
      if (run >= WARM_UP) {
        best = Math.max(best, 1e9 * buffers.size() * BYTES_EACH / longest);
      }
    }
    return best;
  }

  private static long nanos(
      CyclicBarrier start, MemorySegment buffer, Consumer<MemorySegment> reader)
      throws InterruptedException, BrokenBarrierException, TimeoutException {
    start.await(LIMIT_SECONDS, TimeUnit.SECONDS);
    long begin = System.nanoTime();
    reader.accept(buffer);
    return System.nanoTime() - begin;
  }

  /** Four sums side by side, so that no add waits for the one before it. */
  private static void sum(MemorySegment buffer) {
    long a = 0;
    long b = 0;
    long c = 0;
    long d = 0;
    for (long offset = 0; offset < BYTES_EACH; offset += 32) {
      a += buffer.get(ValueLayout.JAVA_LONG, offset);
      b += buffer.get(ValueLayout.JAVA_LONG, offset + 8);
      c += buffer.get(ValueLayout.JAVA_LONG, offset + 16);
      d += buffer.get(ValueLayout.JAVA_LONG, offset + 24);
    }
    LATEST_SUM.set(a + b + c + d);
  }
}
