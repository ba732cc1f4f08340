package io.ladon.benchmarks;

import io.ladon.engine.checkpoint.TensorEncoder;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.kernel.PackedMatrix;
import io.ladon.engine.kernel.QuantizedActivations;
import io.ladon.engine.kernel.x86.MachineCode;
import io.ladon.engine.kernel.x86.MachineLimits;
import io.ladon.engine.kernel.x86.Tier;
import io.ladon.engine.plan.LeafTree;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * One thread's matrix products of every tensor type and tier. With one token, as in decoding, look
 * at {@code gigabytes} of packed weights a second; with many, as in a prefill, at {@code
 * gigaOperations} a second, where a multiplication and its addition count as two.
 *
 * <p>{@code fraction} is what that is of the machine's limit for one thread, by CPU time, so that
 * it does not sink where other programs take their turns. The limit is measured before each
 * iteration ({@link MachineLimits}): with one token the bytes that can be read from memory, else
 * the multiplications of bytes (of float32 where the weights are floats) that the best instruction
 * of this CPU can do. It is 0 where the limit is unknown, on CPUs other than x86-64.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseSerialGC"
    })
public class MultiplyBenchmark {

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private static final int ROWS = 1536;
  private static final int COLUMNS = 1536;

  /** Weights of a decode step, so many that they come from memory and not from a cache. */
  private static final long DECODE_BYTES = 100_000_000;

  @Param({"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"})
  private TensorType type = TensorType.F32;

  @Param({"vector", "x86-amx", "x86-avx512vnni", "x86-avxvnni", "x86-avx2"})
  private String tier = "vector";

  @Param({"1", "512"})
  private int tokens = 1;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment large = arena.allocate(DECODE_BYTES, 64);
  private final List<PackedMatrix> matrices = new ArrayList<>();
  private FloatTensor[] out = {};
  private double limit = Double.POSITIVE_INFINITY; // bytes or operations a second
  private Kernels kernels = KernelProvider.named("scalar");
  private FloatTensor x = FloatTensor.allocate(arena, 0, 0);
  private QuantizedActivations quantized = QuantizedActivations.allocate(arena, 0, 0);

  /** What is counted besides calls, in units of 10^9. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Rates {
    public double gigabytes;
    public double gigaOperations;

    /** Seconds that the limit would take, so that a second has the fraction; of CPU time. */
    public double fraction;
  }

  @Setup
  public void setup() {
    Random random = new Random(1);
    float[] weights = new float[ROWS * COLUMNS];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) random.nextGaussian();
    }
    byte[] encoded = new byte[(int) type.bytesFor(weights.length)];
    TensorEncoder.encode(type, weights, 0, weights.length, encoded, 0);
    LeafTree one = new LeafTree(1);
    long copies = tokens == 1 ? Math.max(1, DECODE_BYTES / encoded.length) : 1;
    for (long copy = 0; copy < copies; copy++) {
      matrices.add(
          PackedMatrix.pack(
              arena,
              type,
              MemorySegment.ofArray(encoded),
              ROWS,
              COLUMNS,
              0,
              COLUMNS,
              COLUMNS,
              one,
              one.all()));
    }
    kernels = KernelProvider.named(tier);
    x = FloatTensor.allocate(arena, tokens, COLUMNS);
    for (int t = 0; t < tokens; t++) {
      for (int c = 0; c < COLUMNS; c++) {
        x.set(t, c, (float) random.nextGaussian());
      }
    }
    quantized = QuantizedActivations.allocate(arena, tokens, COLUMNS);
    kernels.quantize(x, 0, tokens, 0, COLUMNS, quantized);
    out = new FloatTensor[] {FloatTensor.allocate(arena, tokens, ROWS)};
  }

  /** Each time anew: other programs and the clock change what the machine can do. */
  @Setup(Level.Iteration)
  public void measureLimit() throws IOException {
    Tier best = null;
    for (Tier each : Tier.values()) {
      if (best == null && MachineCode.obstacle(each).isEmpty()) {
        best = each;
      }
    }
    if (best == null) {
      return;
    }
    if (tokens == 1) {
      limit = MachineLimits.readBytes(large);
    } else {
      limit =
          type.isFloat() ? MachineLimits.floatOperations(best) : MachineLimits.byteOperations(best);
    }
  }

  @TearDown
  public void close() {
    arena.close();
  }

  /** A product with each copy of the matrix. */
  @Benchmark
  public FloatTensor[] multiply(Rates rates) {
    long begin = System.nanoTime();
    long cpuBegin = THREADS.getCurrentThreadCpuTime();
    double work = 0;
    for (PackedMatrix w : matrices) {
      if (type.isFloat()) {
        kernels.multiply(w, 0, ROWS, x, tokens, out, 0);
      } else {
        kernels.multiply(w, 0, ROWS, quantized, tokens, out, 0);
      }
      double operations = 2.0 * ROWS * COLUMNS * tokens;
      rates.gigabytes += w.bytes() / 1e9;
      rates.gigaOperations += operations / 1e9;
      work += tokens == 1 ? w.bytes() : operations;
    }
    // JMH divides by all time; this makes it the time that the thread had a core.
    double share =
        (double) (THREADS.getCurrentThreadCpuTime() - cpuBegin) / (System.nanoTime() - begin);
    rates.fraction += work / limit / share;
    return out;
  }

  /** Takes JMH's options, e.g. {@code -p type=Q4_1,Q6_K -p tokens=1 -p tier=scalar,vector}. */
  public static void main(String[] arguments) throws RunnerException, CommandLineOptionException {
    new Runner(
            new OptionsBuilder()
                .parent(new CommandLineOptions(arguments))
                .include(MultiplyBenchmark.class.getSimpleName())
                .build())
        .run();
  }
}
