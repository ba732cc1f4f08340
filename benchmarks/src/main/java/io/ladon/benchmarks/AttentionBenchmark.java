package io.ladon.benchmarks;

import io.ladon.engine.attention.Attention;
import io.ladon.engine.attention.KvCache;
import io.ladon.engine.attention.KvType;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.KernelProvider;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.RopeSpec;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.RankPlan;
import io.ladon.engine.plan.ShardPlan;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * One thread's attention in all layers of one of two ranks of a Llama-3.2-1B shape: 16 query heads
 * and 4 KV heads of 64 in each of 16 layers. With one token, as in decoding, look at {@code
 * gigabytes} of keys and values a second, and compare with {@link #readMemory}; with many, as in a
 * prefill, at {@code gigaOperations} a second of scores and weighted values, where a multiplication
 * and its addition count as two. With {@code -prof gc} nothing is to be allocated: a vector that
 * the compiler could not keep in a register shows there.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--add-modules=jdk.incubator.vector",
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseSerialGC"
    })
public class AttentionBenchmark {

  private static final int LAYERS = 16;
  private static final int HEAD_SIZE = 64;
  private static final int KV_HEADS = 4;
  private static final int HEADS = 16;

  /** Bytes of memory that are read to see how quickly that goes. */
  private static final long MEMORY_BYTES = 256L << 20;

  @Param({"F16", "F32", "Q8"})
  private KvType type = KvType.F16;

  @Param({"vector", "machine"})
  private String tier = "vector";

  @Param({"1", "512"})
  private int tokens = 1;

  /** Positions that the last token sees. */
  @Param({"1024", "4096"})
  private int positions = 1024;

  /**
   * Sequences of as many positions that take turns, one each call: of many and short ones no cache
   * holds what the next call reads.
   */
  @Param("1")
  private int sequences = 1;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory = arena.allocate(MEMORY_BYTES, 64);
  private int[][] blocks = {};
  private int turn;
  private FloatTensor queries = FloatTensor.allocate(arena, 0, 0);
  private FloatTensor out = queries;
  private KvCache cache = cache(1);
  private Attention attention = attention();

  /** What is counted besides calls, in units of 10^9. */
  @State(Scope.Thread)
  @AuxCounters
  public static class Rates {
    public double gigabytes;
    public double gigaOperations;
  }

  private static ModelSpec spec() {
    RopeSpec rope = new RopeSpec(RopeSpec.Style.HALVES, HEAD_SIZE, 10000f, 10000f, 1f, false);
    return new ModelSpec(
        "benchmark",
        "llama",
        256,
        8192,
        LAYERS,
        HEADS * HEAD_SIZE,
        256,
        HEADS,
        KV_HEADS,
        HEAD_SIZE,
        1e-5f,
        ModelSpec.Activation.SILU,
        rope,
        1f,
        1f,
        false,
        false,
        false,
        0,
        0,
        true);
  }

  private static RankPlan plan() {
    return ShardPlan.of(spec(), PlanOptions.of(1)).rank(0);
  }

  private KvCache cache(int count) {
    return new KvCache(spec(), plan(), count, type);
  }

  private Attention attention() {
    return new Attention(arena, cache, plan(), KernelProvider.named(tier), HEADS / KV_HEADS, 1, 0);
  }

  @Setup
  public void setup() {
    Random random = new Random(1);
    cache.close();
    int ofSequence = (positions + KvCache.BLOCK - 1) / KvCache.BLOCK;
    blocks = new int[sequences][];
    for (int s = 0; s < sequences; s++) {
      blocks[s] = IntStream.range(s * ofSequence, (s + 1) * ofSequence).toArray();
    }
    Collections.shuffle(Arrays.asList(blocks), random); // neighbours would be read in one sweep
    cache = cache(sequences * ofSequence);
    attention = attention();
    queries = random(random, tokens, HEADS * HEAD_SIZE, 1f / (float) Math.sqrt(HEAD_SIZE));
    out = FloatTensor.allocate(arena, tokens, HEADS * HEAD_SIZE);
    FloatTensor x = random(random, 2, HEAD_SIZE, 1f);
    for (int[] sequence : blocks) {
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int h = 0; h < KV_HEADS; h++) {
          for (int p = 0; p < positions; p++) {
            int block = sequence[p / KvCache.BLOCK];
            x.set(0, p % HEAD_SIZE, (float) random.nextGaussian());
            cache.store(layer, h, block, p % KvCache.BLOCK, x.segment(), 0, x.segment(), HEAD_SIZE);
          }
        }
      }
    }
  }

  private FloatTensor random(Random random, int rows, int columns, float size) {
    FloatTensor x = FloatTensor.allocate(arena, rows, columns);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        x.set(row, column, size * (float) random.nextGaussian());
      }
    }
    return x;
  }

  @TearDown
  public void close() {
    cache.close();
    arena.close();
  }

  /** The last tokens of one sequence's positions, in all layers. */
  @Benchmark
  public FloatTensor attend(Rates rates) {
    int together = attention.tokensTogether();
    int first = positions - tokens;
    int[] sequence = blocks[turn];
    turn = (turn + 1) % sequences;
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int t = 0; t < tokens; t += together) {
        int count = Math.min(together, tokens - t);
        for (int h = 0; h < KV_HEADS; h++) {
          attention.attend(0, layer, h, sequence, first + t, t, count, 0, queries, out, 0);
        }
      }
    }
    double seen = (double) LAYERS * tokens * (first + (tokens + 1) / 2.0);
    rates.gigaOperations += 4e-9 * seen * HEADS * HEAD_SIZE;
    rates.gigabytes +=
        1e-9 * positions / KvCache.BLOCK * KvCache.bytesPerBlock(spec(), plan(), type);
    return out;
  }

  /** Reads memory as quickly as one thread can: 8 bytes here and there in every line. */
  @Benchmark
  public long readMemory(Rates rates) {
    long a = 0;
    long b = 0;
    long c = 0;
    long d = 0;
    for (long i = 0; i < MEMORY_BYTES; i += 256) {
      a += memory.get(ValueLayout.JAVA_LONG, i);
      b += memory.get(ValueLayout.JAVA_LONG, i + 64);
      c += memory.get(ValueLayout.JAVA_LONG, i + 128);
      d += memory.get(ValueLayout.JAVA_LONG, i + 192);
    }
    rates.gigabytes += 1e-9 * MEMORY_BYTES;
    return a + b + c + d;
  }
}
