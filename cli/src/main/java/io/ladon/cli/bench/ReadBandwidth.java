package io.ladon.cli.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** How quickly this machine's memory can be read: a plain sum over buffers that no cache holds. */
public final class ReadBandwidth {

  private static final long BYTES_EACH = 256L << 20;
  private static final int WARM_UP = 3;
  private static final int RUNS = 7;
  private static final long LIMIT_SECONDS = 120;

  private ReadBandwidth() {}

  /**
   * Best of several runs, in bytes a second, of so many threads at once.
   *
   * @throws IllegalStateException if it takes longer than two minutes
   */
  public static double measure(int threads) throws InterruptedException {
    try (Arena arena = Arena.ofShared();
        ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<MemorySegment> buffers = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        MemorySegment buffer = arena.allocate(BYTES_EACH, 64);
        buffer.fill((byte) (t + 1)); // so that pages are there, and not all one zero page
        buffers.add(buffer);
      }
      double best = 0;
      for (int run = 0; run < WARM_UP + RUNS; run++) {
        long begin = System.nanoTime();
        List<Future<Long>> sums =
            buffers.stream().map(buffer -> executor.submit(() -> sum(buffer))).toList();
        long total = 0;
        for (Future<Long> sum : sums) {
          total += sum.get(LIMIT_SECONDS, TimeUnit.SECONDS);
        }
        long nanos = System.nanoTime() - begin;
        if (run >= WARM_UP && total != 0) {
          best = Math.max(best, 1e9 * threads * BYTES_EACH / nanos);
        }
      }
      return best;
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("reading memory took too long or failed", e);
    }
  }

  /** Four sums side by side, so that no add waits for the one before it. */
  private static long sum(MemorySegment buffer) {
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
    return a + b + c + d;
  }
}
