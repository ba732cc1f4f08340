package io.ladon.benchmarks;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.worker.exchange.ExchangeMode;
import io.ladon.worker.exchange.PeerExchange;
import io.ladon.worker.exchange.PeerMesh;
import io.ladon.worker.exchange.PeerNetwork;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Transport;
import io.ladon.worker.loop.Waiting;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
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
  private static final Duration PATIENT = Duration.ofSeconds(30);

  @Param({"SHARED_MEMORY", "GRPC"})
  private ExchangeMode mode = ExchangeMode.GRPC;

  @Param({"1024", "2304", "8192", "4194304"})
  private int bytes;

  private final List<RankLoop> loops = new ArrayList<>();
  private final List<PeerNetwork> networks = new ArrayList<>();
  private final List<PeerExchange> exchanges = new ArrayList<>();
  private @Nullable MemorySegment[][] parts = {};
  private long step;

  /** Links the ranks. */
  @Setup
  public void open() throws Exception {
    List<String> addresses = new ArrayList<>();
    List<PeerMesh> meshes = new ArrayList<>();
    for (int r = 0; r < 2; r++) {
      int rank = r;
      RankLoop loop = new RankLoop("rank-" + r, Transport.best());
      loop.start();
      loops.add(loop);
      PeerNetwork network =
          new PeerNetwork(loop, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), mode);
      network.start();
      networks.add(network);
      addresses.add("127.0.0.1:" + network.port());
      CompletableFuture<PeerMesh> mesh = new CompletableFuture<>();
      loop.execute(() -> mesh.complete(network.join(1, rank, 2)));
      meshes.add(mesh.get(10, TimeUnit.SECONDS));
    }
    List<CompletableFuture<@Nullable Void>> linked = new ArrayList<>();
    for (PeerMesh mesh : meshes) {
      CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
      linked.add(ready);
      loops.get(mesh.rank()).execute(() -> connect(mesh, addresses, ready));
    }
    for (CompletableFuture<?> ready : linked) {
      ready.get(20, TimeUnit.SECONDS);
    }
    parts = new MemorySegment[2][];
    for (PeerMesh mesh : meshes) {
      exchanges.add(
          new PeerExchange(
              loops.get(mesh.rank()),
              mesh,
              PATIENT,
              new Waiting(Waiting.DEFAULT_SPIN_NANOS, true)));
      parts[mesh.rank()] =
          new MemorySegment[] {
            Arena.ofAuto().allocate(bytes, 64), Arena.ofAuto().allocate(bytes, 64)
          };
    }
  }

  private void connect(
      PeerMesh mesh, List<String> addresses, CompletableFuture<@Nullable Void> ready) {
    mesh.largestPart(bytes);
    mesh.connect(
        addresses,
        PATIENT,
        new PeerMesh.Listener() {
          @Override
          public void onReady() {
            ready.complete(null);
          }

          @Override
          public void onFailure(int peerRank, String reason) {
            ready.completeExceptionally(new IllegalStateException("rank " + peerRank + reason));
          }
        });
  }

  /** Ends everything. */
  @TearDown
  public void close() {
    exchanges.forEach(PeerExchange::close);
    networks.forEach(PeerNetwork::close);
    loops.forEach(RankLoop::close);
  }

  /** Both ranks send and receive a part. */
  @Benchmark
  @OperationsPerInvocation(SWAPS)
  public void swap() throws ExecutionException, InterruptedException, TimeoutException {
    step++;
    List<CompletableFuture<@Nullable Void>> done = new ArrayList<>();
    for (PeerExchange exchange : exchanges) {
      CompletableFuture<@Nullable Void> future = new CompletableFuture<>();
      done.add(future);
      loops.get(exchange.rank()).submit(() -> swaps(exchange, step, future));
    }
    for (CompletableFuture<?> future : done) {
      future.get(60, TimeUnit.SECONDS);
    }
  }

  private void swaps(PeerExchange exchange, long number, CompletableFuture<@Nullable Void> future) {
    try {
      @Nullable MemorySegment[] own = parts[exchange.rank()];
      int other = 1 - exchange.rank();
      @Nullable MemorySegment[] send = new MemorySegment[2];
      @Nullable MemorySegment[] receive = new MemorySegment[2];
      send[other] = own[0];
      receive[other] = own[1];
      exchange.beginStep(number);
      for (int i = 0; i < SWAPS; i++) {
        exchange.swap(i, ExchangePoint.DOWN, send, receive);
      }
      future.complete(null);
    } catch (RuntimeException | Error e) {
      future.completeExceptionally(e);
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
