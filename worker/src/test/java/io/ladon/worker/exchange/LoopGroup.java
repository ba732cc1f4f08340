package io.ladon.worker.exchange;

import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.exchange.ExchangeGroup;
import io.ladon.engine.exchange.ExchangeGroup.Member;
import io.ladon.net.Transport;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Ranks that are linked over loopback, each with its own loop. */
final class LoopGroup {

  private static final long LARGEST_PART = 4 << 20;

  private LoopGroup() {}

  /** What a group is made of. */
  record Setup(
      Transport transport, List<ExchangeMode> modes, SharedMemory memory, Waiting waiting) {

    static Setup of(Transport transport, ExchangeMode mode) {
      return new Setup(
          transport,
          List.of(mode),
          SharedMemory.ofMachine(),
          new Waiting(Waiting.DEFAULT_SPIN_NANOS, true));
    }

    Setup modes(ExchangeMode... byRank) {
      return new Setup(transport, List.of(byRank), memory, waiting);
    }

    Setup waiting(Waiting other) {
      return new Setup(transport, modes, memory, other);
    }

    Setup memory(SharedMemory other) {
      return new Setup(transport, modes, other, waiting);
    }
  }

  static ExchangeGroup open(Setup setup, int ranks, long epoch, Duration timeout) throws Exception {
    List<RankLoop> loops = new ArrayList<>();
    List<PeerNetwork> networks = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      RankLoop loop = new RankLoop("rank-" + r, setup.transport());
      loop.start();
      PeerNetwork network =
          new PeerNetwork(
              loop,
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              setup.modes().get(r % setup.modes().size()),
              setup.memory());
      network.start();
      loops.add(loop);
      networks.add(network);
      addresses.add("127.0.0.1:" + network.port());
    }
    List<PeerMesh> meshes = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      int rank = r;
      meshes.add(
          on(loops.get(r), () -> networks.get(rank).join(epoch, rank, ranks))
              .get(10, TimeUnit.SECONDS));
    }
    List<CompletableFuture<@Nullable Void>> linked = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      PeerMesh mesh = meshes.get(r);
      CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
      linked.add(ready);
      loops
          .get(r)
          .execute(
              () -> {
                mesh.largestPart(LARGEST_PART);
                mesh.connect(addresses, Duration.ofSeconds(20), listener(ready));
              });
    }
    for (CompletableFuture<?> ready : linked) {
      ready.get(20, TimeUnit.SECONDS);
    }
    List<Member> members = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      members.add(
          new LoopMember(
              loops.get(r),
              new PeerExchange(loops.get(r), meshes.get(r), timeout, setup.waiting())));
    }
    return new ExchangeGroup(
        members,
        () -> {
          networks.forEach(PeerNetwork::close);
          loops.forEach(RankLoop::close);
        });
  }

  static PeerMesh.Listener listener(CompletableFuture<@Nullable Void> ready) {
    return new PeerMesh.Listener() {
      @Override
      public void onReady() {
        ready.complete(null);
      }

      @Override
      public void onFailure(int peerRank, String reason) {
        ready.completeExceptionally(new IllegalStateException("rank " + peerRank + " " + reason));
      }
    };
  }

  static <T extends @Nullable Object> CompletableFuture<T> on(RankLoop loop, Supplier<T> work) {
    CompletableFuture<T> future = new CompletableFuture<>();
    loop.submit(
        () -> {
          try {
            future.complete(work.get());
          } catch (RuntimeException | Error e) {
            future.completeExceptionally(e);
          }
        });
    return future;
  }

  private record LoopMember(RankLoop loop, Exchange exchange) implements Member {
    @Override
    public <T extends @Nullable Object> Future<T> call(Function<Exchange, T> work) {
      return on(loop, () -> work.apply(exchange));
    }
  }
}
