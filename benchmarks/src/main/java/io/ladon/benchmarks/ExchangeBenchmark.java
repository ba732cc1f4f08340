package io.ladon.benchmarks;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.worker.exchange.ExchangeMode;
import io.ladon.worker.exchange.PeerExchange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
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
 * One exchange between two ranks that do nothing else: what a layer pays twice. Parts of 1 to 8 KiB
 * are those of a decoded token, 4 MiB that of a prefill of 512 tokens in a model of hidden size
 * 2048.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx512m"})
public class ExchangeBenchmark {

  private static final int SWAPS = 100;

  @Param({"SHARED_MEMORY", "GRPC"})
  private ExchangeMode mode = ExchangeMode.GRPC;

  @Param({"1024", "2304", "8192", "4194304"})
  private int bytes;

  private final Arena arena = Arena.ofShared();
  private @Nullable LinkedRanks linked;
  private List<MemorySegment> own = List.of(); // by rank
  private List<MemorySegment> others = List.of();
  private long step;

  /** Links the ranks. */
  @Setup
  public void open()
      throws IOException, ExecutionException, InterruptedException, TimeoutException {
    own = List.of(arena.allocate(bytes, 64), arena.allocate(bytes, 64));
    others = List.of(arena.allocate(bytes, 64), arena.allocate(bytes, 64));
    linked = new LinkedRanks(2, mode, null, bytes);
  }

  /** Ends everything. */
  @TearDown
  public void close() throws IOException {
    if (linked != null) {
      linked.close();
    }
    arena.close();
  }

  /** Both ranks send and receive a part. */
  @Benchmark
  @OperationsPerInvocation(SWAPS)
  public void swap() throws ExecutionException, InterruptedException, TimeoutException {
    step++;
    long number = step;
    Objects.requireNonNull(linked).run(exchange -> swaps(exchange, number));
  }

  private void swaps(PeerExchange exchange, long number) {
    int other = 1 - exchange.rank();
    @Nullable MemorySegment[] send = new MemorySegment[2];
    @Nullable MemorySegment[] receive = new MemorySegment[2];
    send[other] = own.get(exchange.rank());
    receive[other] = others.get(exchange.rank());
    exchange.beginStep(number);
    for (int i = 0; i < SWAPS; i++) {
      exchange.swap(i, ExchangePoint.DOWN, send, receive);
    }
  }

  /** Runs this benchmark with the options of JMH. */
  public static void main(String[] arguments) throws CommandLineOptionException, RunnerException {
    new Runner(
            new OptionsBuilder()
                .parent(new CommandLineOptions(arguments))
                .include(ExchangeBenchmark.class.getSimpleName())
                .build())
        .run();
  }
}
