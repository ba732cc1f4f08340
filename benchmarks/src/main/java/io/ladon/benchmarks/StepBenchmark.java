package io.ladon.benchmarks;

import io.ladon.engine.rank.StepResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One rank's step, with one thread, without what its exchanges take: the others' parts are there at
 * once, or after {@code waitMicros}. A decoded token at 128 positions, or a prompt of 512. With
 * what exchanges take it says what machines of one such rank each would do.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 3)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1", // as workers whose kernels are machine code
      "-Xmx512m"
    })
public class StepBenchmark {

  /** Where the sums of the output projection and of down are cut. */
  public enum Cut {
    /** As the model says, which gives the same bits on any number of ranks. */
    MODEL,
    /** Nowhere within a rank's columns, as in servers whose results depend on that number. */
    RANK
  }

  /** Position of a decoded token. */
  private static final int DECODE_AT = 127;

  /** A GGUF file. */
  @Param("1b-q4_0.gguf")
  private String model = "";

  @Param({"1", "2", "4", "8"})
  private int ranks;

  @Param({"1", "512"})
  private int tokens;

  @Param("MODEL")
  private Cut cut = Cut.MODEL;

  /** What each swap waits for the peers, in microseconds. */
  @Param("0")
  private long waitMicros;

  /** Whether the rank reads its next weights while it waits. */
  @Param("true")
  private boolean readsAhead = true;

  private @Nullable LoneRank rank;

  /** Loads the shard. */
  @Setup
  public void open() throws IOException {
    int start = tokens == 1 ? DECODE_AT : 0;
    long waitNanos = TimeUnit.MICROSECONDS.toNanos(waitMicros);
    rank = new LoneRank(Path.of(model), ranks, tokens, start, cut, waitNanos, readsAhead);
  }

  /** Frees it. */
  @TearDown
  public void close() throws IOException {
    if (rank != null) {
      rank.close();
    }
  }

  /** The whole step. */
  @Benchmark
  public StepResult step() {
    return Objects.requireNonNull(rank).run();
  }
}
