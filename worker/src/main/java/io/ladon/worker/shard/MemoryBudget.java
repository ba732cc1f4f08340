package io.ladon.worker.shard;

import com.sun.management.OperatingSystemMXBean;
import io.ladon.proto.FailureCode;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * How much memory a shard may take.
 *
 * @param limitBytes what the process may use in all
 */
public record MemoryBudget(long limitBytes) {

  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final long KIB = 1024;
  private static final double MIB = 1 << 20;

  /**
   * A limit, or what the machine or container has.
   *
   * @param bytes 0 to find out
   */
  public static MemoryBudget of(long bytes) {
    return new MemoryBudget(bytes > 0 ? bytes : system().getTotalMemorySize());
  }

  /**
   * Bytes that can be had now: no more than the limit, nor than the operating system says is
   * available.
   */
  public long availableBytes() {
    return Math.min(limitBytes, systemAvailable());
  }

  private static long systemAvailable() {
    // The container's free memory does not count what the page cache could give back.
    try {
      for (String line : Files.readAllLines(MEMINFO)) {
        if (line.startsWith("MemAvailable:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) * KIB;
        }
      }
    } catch (IOException | NumberFormatException e) {
      // Not Linux: the JDK's figure is what there is.
    }
    return system().getFreeMemorySize();
  }

  private static OperatingSystemMXBean system() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
  }

  /**
   * Refuses a shard that does not fit, before anything is allocated.
   *
   * @throws LoadException {@code OUT_OF_MEMORY} with the figures
   */
  public void check(long weightBytes, long cacheBytes, long bufferBytes) throws LoadException {
    long needed = weightBytes + cacheBytes + bufferBytes;
    long available = availableBytes();
    if (needed > available) {
      throw new LoadException(
          FailureCode.OUT_OF_MEMORY,
          String.format(
              Locale.ROOT,
              "the shard needs %.1f MiB (weights %.1f, KV cache %.1f, buffers %.1f) but %.1f MiB are available (limit %.1f MiB)",
              needed / MIB,
              weightBytes / MIB,
              cacheBytes / MIB,
              bufferBytes / MIB,
              available / MIB,
              limitBytes / MIB),
          null);
    }
  }
}
