package io.ladon.benchmarks;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proxy.TcpProxy;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
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

/**
 * What one projection exchanges in one layer, over gRPC, on links of some latency and bandwidth: a
 * gather (the output projection held whole) or a sum (down by columns), for a decoded token or for
 * a prompt of 512 tokens, whose sums are cut by tokens and gathered again. A layer has one of each.
 *
 * <p>All ranks are in this process and do nothing else. More of them than the machine has cores
 * take turns on these, so the times for many ranks are more than those of machines of their own.
 * Look at the median: whatever else runs on the machine takes its turns too.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1", // as workers whose kernels are machine code
      "-Xmx1g"
    })
public class LinkBenchmark {

  /** A link that is as quick as the proxy can be. */
  static final String PROXY_ALONE = "0us/0Gbit";

  private static final int EXCHANGES = 20;
  private static final Pattern LINK = Pattern.compile("(\\d+)us/(\\d+)Gbit");

  /** What is exchanged. */
  public enum Kind {
    /** Each rank's columns of the input, int8. */
    GATHER,
    /** Each rank's partial sums, float32. */
    SUM
  }

  @Param({"2", "4", "8"})
  private int ranks;

  /**
   * Latency of one way, and bandwidth of each rank's card in each direction (0 for no limit), or
   * none, which is without the proxy: so the second one shows what the proxy itself takes.
   */
  @Param({"none", PROXY_ALONE, "100us/10Gbit", "100us/1Gbit", "500us/10Gbit", "500us/1Gbit"})
  private String link = "none";

  @Param({"GATHER", "SUM"})
  private Kind kind = Kind.GATHER;

  @Param({"2048", "8192"})
  private int hidden;

  @Param({"1", "512"})
  private int tokens;

  private final Arena arena = Arena.ofShared();
  private @Nullable LinkedRanks linked;
  private List<Swap> swaps = List.of();
  private MemorySegment out = MemorySegment.NULL;
  private List<MemorySegment> in = List.of(); // by rank that receives and rank that sends
  private long step;

  /**
   * One swap of the exchange.
   *
   * @param bytes of the part that each rank sends each other one
   */
  private record Swap(ExchangePoint point, int bytes) {}

  /** Links the ranks. */
  @Setup
  public void open()
      throws IOException, ExecutionException, InterruptedException, TimeoutException {
    swaps = swaps();
    int most = swaps.stream().mapToInt(Swap::bytes).max().orElseThrow();
    out = arena.allocate(most, 64);
    in = IntStream.range(0, ranks * ranks).mapToObj(i -> arena.allocate(most, 64)).toList();
    linked = new LinkedRanks(ranks, ExchangeMode.GRPC, parse(link), most);
  }

  private List<Swap> swaps() {
    boolean cut = tokens >= ShardPlan.CUT_FROM * ranks;
    int mine = cut ? tokens / ranks : tokens; // tokens that one rank finishes
    int part = kind == Kind.GATHER ? quantized(hidden / ranks) : Float.BYTES * hidden;
    Swap first =
        new Swap(kind == Kind.GATHER ? ExchangePoint.HEADS : ExchangePoint.DOWN, mine * part);
    return cut
        ? List.of(first, new Swap(ExchangePoint.DOWN_TOKENS, mine * quantized(hidden)))
        : List.of(first);
  }

  /** Bytes of int8 columns, with a scale for each block. */
  private static int quantized(int columns) {
    return columns + Float.BYTES * columns / ShardPlan.BLOCK;
  }

  /** What a link's name says; null for none. */
  static TcpProxy.@Nullable Link parse(String name) {
    if (name.equals("none")) {
      return null;
    }
    Matcher matcher = LINK.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException("'" + name + "' is not none or like 100us/10Gbit");
    }
    return new TcpProxy.Link(
        Long.parseLong(matcher.group(1)) * 1_000,
        0,
        Long.parseLong(matcher.group(2)) * 1_000_000_000 / 8);
  }

  /** Ends everything. */
  @TearDown
  public void close() throws IOException {
    if (linked != null) {
      linked.close();
    }
    arena.close();
  }

  /** Every rank exchanges with every other one. */
  @Benchmark
  @OperationsPerInvocation(EXCHANGES)
  public void exchange() throws ExecutionException, InterruptedException, TimeoutException {
    step++;
    long number = step;
    Objects.requireNonNull(linked).run(rank -> exchange(rank, number));
  }

  private void exchange(PeerExchange rank, long number) {
    @Nullable MemorySegment[] send = new MemorySegment[ranks];
    @Nullable MemorySegment[] receive = new MemorySegment[ranks];
    rank.beginStep(number);
    for (int i = 0; i < EXCHANGES; i++) {
      for (Swap swap : swaps) {
        for (int r = 0; r < ranks; r++) {
          send[r] = out.asSlice(0, swap.bytes());
          receive[r] = in.get(rank.rank() * ranks + r).asSlice(0, swap.bytes());
        }
        rank.swap(i, swap.point(), send, receive);
      }
    }
  }
}
