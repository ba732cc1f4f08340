package io.ladon.benchmarks;

import io.ladon.net.Transport;
import io.ladon.proxy.Card;
import io.ladon.proxy.TcpProxy;
import io.ladon.worker.exchange.ExchangeMode;
import io.ladon.worker.exchange.PeerExchange;
import io.ladon.worker.exchange.PeerMesh;
import io.ladon.worker.exchange.PeerNetwork;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Ranks in one process that exchange as workers do, each on the loop of its own. */
final class LinkedRanks implements AutoCloseable {

  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
  private static final String HOST = LOOPBACK.getHostAddress();
  private static final Duration PATIENT = Duration.ofSeconds(30);
  private static final long LINK_SECONDS = 40;
  private static final long RUN_SECONDS = 120;

  private final List<RankLoop> loops = new ArrayList<>();
  private final List<PeerNetwork> networks = new ArrayList<>();
  private final List<PeerExchange> exchanges = new ArrayList<>();
  private final @Nullable TcpProxy proxy;

  /**
   * Links the ranks.
   *
   * @param link what stands between any two of them, each with a card of its own; null for nothing
   * @param largestPart bytes of the largest part that one rank will send another
   */
  LinkedRanks(int ranks, ExchangeMode mode, TcpProxy.@Nullable Link link, long largestPart)
      throws IOException, InterruptedException, ExecutionException, TimeoutException {
    this.proxy = link == null ? null : new TcpProxy(link);
    List<PeerMesh> meshes = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      meshes.add(join(r, ranks, mode));
    }
    List<CompletableFuture<@Nullable Void>> linked = new ArrayList<>();
    List<List<String>> addresses = addresses(link);
    if (proxy != null) {
      proxy.start();
    }
    for (PeerMesh mesh : meshes) {
      CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
      linked.add(ready);
      List<String> ofRank = addresses.get(mesh.rank());
      loops.get(mesh.rank()).execute(() -> connect(mesh, ofRank, largestPart, ready));
    }
    for (CompletableFuture<?> ready : linked) {
      ready.get(LINK_SECONDS, TimeUnit.SECONDS);
    }
    Waiting waiting = new Waiting(Waiting.DEFAULT_SPIN_NANOS, true);
    boolean crowded = ranks > Runtime.getRuntime().availableProcessors();
    for (PeerMesh mesh : meshes) {
      exchanges.add(
          new PeerExchange(
              loops.get(mesh.rank()), mesh, PATIENT, crowded ? waiting.crowded() : waiting));
    }
  }

  private PeerMesh join(int rank, int ranks, ExchangeMode mode)
      throws IOException, InterruptedException, ExecutionException, TimeoutException {
    RankLoop loop = new RankLoop("rank-" + rank, Transport.best());
    loop.start();
    loops.add(loop);
    PeerNetwork network = new PeerNetwork(loop, new InetSocketAddress(LOOPBACK, 0), mode);
    network.start();
    networks.add(network);
    CompletableFuture<PeerMesh> mesh = new CompletableFuture<>();
    loop.execute(() -> mesh.complete(network.join(1, rank, ranks)));
    return mesh.get(LINK_SECONDS, TimeUnit.SECONDS);
  }

  /** Where each rank reaches each other one: by rank that dials, then by rank that is dialled. */
  private List<List<String>> addresses(TcpProxy.@Nullable Link link) throws IOException {
    List<Card> cards = new ArrayList<>();
    for (int r = 0; r < networks.size(); r++) {
      cards.add(new Card(link == null ? 0 : link.bytesPerSecond()));
    }
    List<List<String>> all = new ArrayList<>();
    for (int from = 0; from < networks.size(); from++) {
      List<String> ofRank = new ArrayList<>();
      for (int to = 0; to < networks.size(); to++) {
        int port = networks.get(to).port();
        if (proxy != null && from < to) { // the lower rank dials
          Card own = cards.get(from);
          port =
              proxy.route(
                  new InetSocketAddress(LOOPBACK, 0), HOST, port, cards.get(to), client -> own);
        }
        ofRank.add(HOST + ":" + port);
      }
      all.add(ofRank);
    }
    return all;
  }

  private static void connect(
      PeerMesh mesh,
      List<String> addresses,
      long largestPart,
      CompletableFuture<@Nullable Void> ready) {
    mesh.largestPart(largestPart);
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
            ready.completeExceptionally(
                new IllegalStateException("rank " + peerRank + " " + reason));
          }
        });
  }

  /** Has every rank do something with its exchange, on its own loop, and waits for all. */
  void run(Consumer<PeerExchange> turn)
      throws InterruptedException, ExecutionException, TimeoutException {
    List<CompletableFuture<@Nullable Void>> all = new ArrayList<>();
    for (PeerExchange exchange : exchanges) {
      CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
      all.add(done);
      loops.get(exchange.rank()).submit(() -> run(turn, exchange, done));
    }
    for (CompletableFuture<?> done : all) {
      done.get(RUN_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static void run(
      Consumer<PeerExchange> turn, PeerExchange exchange, CompletableFuture<@Nullable Void> done) {
    try {
      turn.accept(exchange);
      done.complete(null);
    } catch (RuntimeException | Error e) {
      done.completeExceptionally(e);
    }
  }

  @Override
  public void close() throws IOException {
    exchanges.forEach(PeerExchange::close);
    networks.forEach(PeerNetwork::close);
    loops.forEach(RankLoop::close);
    if (proxy != null) {
      proxy.close();
    }
  }
}
