package io.ladon.worker.exchange;

import io.ladon.net.Transport;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Two workers that meet in one epoch after another. */
final class RankPair implements AutoCloseable {

  private final List<RankLoop> loops = new ArrayList<>();
  private final List<PeerNetwork> networks = new ArrayList<>();

  /** One side. */
  record Side(ExchangeMode mode, Path folder) {}

  RankPair(Side lower, Side higher) throws Exception {
    for (Side side : List.of(lower, higher)) {
      RankLoop loop = new RankLoop("rank-" + loops.size(), Transport.best());
      loop.start();
      loops.add(loop);
      PeerNetwork network =
          new PeerNetwork(
              loop,
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              side.mode(),
              new SharedMemory(side.folder()));
      network.start();
      networks.add(network);
    }
  }

  RankLoop loop(int rank) {
    return loops.get(rank);
  }

  /** Both places in an epoch; throws what the first side says that cannot link. */
  List<PeerMesh> connect(long epoch) throws Exception {
    List<String> addresses = new ArrayList<>();
    List<PeerMesh> meshes = new ArrayList<>();
    for (int r = 0; r < 2; r++) {
      int rank = r;
      addresses.add("127.0.0.1:" + networks.get(r).port());
      meshes.add(
          LoopGroup.on(loops.get(r), () -> networks.get(rank).join(epoch, rank, 2))
              .get(10, TimeUnit.SECONDS));
    }
    List<CompletableFuture<@Nullable Void>> linked = new ArrayList<>();
    for (int r = 0; r < 2; r++) {
      PeerMesh mesh = meshes.get(r);
      CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
      linked.add(ready);
      loops
          .get(r)
          .execute(
              () -> mesh.connect(addresses, Duration.ofSeconds(20), LoopGroup.listener(ready)));
    }
    for (CompletableFuture<?> ready : linked) {
      ready.get(20, TimeUnit.SECONDS);
    }
    return meshes;
  }

  PeerExchange exchange(PeerMesh mesh, Duration timeout, long spinNanos) {
    return new PeerExchange(loops.get(mesh.rank()), mesh, timeout, new Waiting(spinNanos, true));
  }

  @Override
  public void close() {
    networks.forEach(PeerNetwork::close);
    loops.forEach(RankLoop::close);
  }
}
