package io.ladon.worker.exchange;

import static io.ladon.engine.exchange.ExchangeGroup.WAIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.ladon.engine.exchange.ExchangeException;
import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.net.Transport;
import io.ladon.proto.ExchangeFrame;
import io.ladon.proto.PeerGrpc;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rank 1 of 2 against a scripted rank 0 that speaks plain generated gRPC. */
@Timeout(60)
class PeerMeshTest {

  private final RankLoop loop = new RankLoop("rank-1", Transport.best());
  private final PeerNetwork network =
      new PeerNetwork(
          loop, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), ExchangeMode.AUTO);
  private @Nullable ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    loop.start();
    network.start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", network.port()).usePlaintext().build();
  }

  @AfterEach
  void stop() {
    if (channel != null) {
      channel.shutdownNow();
    }
    network.close();
    loop.close();
  }

  @Test
  void saysWhoDidNotConnectInTime() throws Exception {
    CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    loop.execute(
        () -> network.join(5, 1, 2).connect(List.of("-", "-"), Duration.ofMillis(50), to(ready)));
    assertThatThrownBy(() -> ready.get(10, TimeUnit.SECONDS))
        .hasMessageContaining("rank 0 did not connect within 50 ms");
  }

  @Test
  void saysWhoCannotBeDialled() throws Exception {
    CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    loop.execute(
        () ->
            network
                .join(5, 0, 2)
                .connect(List.of("-", "127.0.0.1:1"), Duration.ofSeconds(20), to(ready)));
    assertThatThrownBy(() -> ready.get(10, TimeUnit.SECONDS))
        .hasMessageContaining("rank 1 is lost: UNAVAILABLE");
  }

  @Test
  void refusesAnotherEpochAndAStrangerAndNoIntroduction() throws Exception {
    onLoop(() -> network.join(5, 1, 2));
    Scripted oldEpoch = dial(ExchangeFrame.newBuilder().setEpoch(4));
    assertThatThrownBy(() -> oldEpoch.end.get(10, TimeUnit.SECONDS))
        .hasMessageContaining("FAILED_PRECONDITION: epoch 4");
    Scripted stranger = dial(ExchangeFrame.newBuilder().setEpoch(5).setRank(2));
    assertThatThrownBy(() -> stranger.end.get(10, TimeUnit.SECONDS))
        .hasMessageContaining("FAILED_PRECONDITION: rank 2");
    Scripted rude = dial(ExchangeFrame.newBuilder().setEpoch(5).setStep(1));
    assertThatThrownBy(() -> rude.end.get(10, TimeUnit.SECONDS))
        .hasMessageContaining("no introduction");
  }

  @Test
  void aBrokenStreamCompletesTheWaiterAtOnce() throws Exception {
    Linked linked = link(Duration.ofSeconds(50));
    CompletableFuture<?> swap = linked.swap(1, 2, ExchangePoint.DOWN, 4);
    linked.peer.out.onError(new IllegalStateException("gone"));
    assertThatThrownBy(() -> swap.get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(ExchangeException.class)
        .hasMessageContainingAll("epoch 5", "step 1", "layer 2", "DOWN", "rank 0", "broke off")
        .extracting(PeerMeshTest::kindOf)
        .isEqualTo(Kind.LOST);
  }

  @Test
  void saysWhoCameAndWentBeforeItConnects() throws Exception {
    PeerMesh mesh = onLoop(() -> network.join(5, 1, 2));
    Scripted peer = dial(ExchangeFrame.newBuilder().setEpoch(5));
    await().until(() -> onLoop(() -> mesh.peers()[0].linked()));
    peer.out.onError(new IllegalStateException("gone"));
    await().until(() -> onLoop(() -> mesh.peers()[0].failureKind() == Kind.LOST));
    CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    loop.execute(() -> mesh.connect(List.of("-", "-"), Duration.ofSeconds(20), to(ready)));
    assertThatThrownBy(() -> ready.get(10, TimeUnit.SECONDS)).hasMessageContaining("broke off");
  }

  @Test
  void takesFramesThatAreEarly() throws Exception {
    Linked linked = link(Duration.ofSeconds(20));
    CountDownLatch computing = new CountDownLatch(1);
    loop.submit(() -> awaitLatch(computing));
    linked.peer.send(1, 0, ExchangePoint.HEADS, 0, 3, 1, 2);
    linked.peer.send(1, 0, ExchangePoint.HEADS, 2, 3, 3);
    linked.peer.send(1, 0, ExchangePoint.DOWN, 0, 1, 9);
    computing.countDown();
    assertThat(linked.receive(1, 0, ExchangePoint.HEADS, 3)).containsExactly(1, 2, 3);
    assertThat(linked.receive(1, 0, ExchangePoint.DOWN, 1)).containsExactly(9);
  }

  @Test
  void aRankThatWaitsDoesItsOwnWork() throws Exception {
    Linked linked = link(Duration.ofSeconds(20));
    AtomicInteger pieces = new AtomicInteger(100);
    onLoop(
        () -> {
          linked.exchange.meanwhile(() -> pieces.get() > 0 && pieces.decrementAndGet() >= 0);
          return pieces;
        });
    CompletableFuture<byte[]> swap = linked.swap(1, 0, ExchangePoint.HEADS, 3);
    await().until(() -> pieces.get() == 0);
    assertThat(swap).isNotDone();
    linked.peer.send(1, 0, ExchangePoint.HEADS, 0, 3, 1, 2, 3);
    assertThat(swap.get(10, TimeUnit.SECONDS)).containsExactly(1, 2, 3);
  }

  @Test
  void aRankThatWaitsOnACrowdedMachineLeavesItsCoreToOthers() throws Exception {
    Linked linked = link(Duration.ofSeconds(20), usual().crowded());
    AtomicInteger asked = new AtomicInteger();
    onLoop(
        () -> {
          linked.exchange.meanwhile(() -> asked.incrementAndGet() > 0);
          return asked;
        });
    CompletableFuture<byte[]> swap = linked.swap(1, 0, ExchangePoint.HEADS, 1);
    linked.peer.send(1, 0, ExchangePoint.HEADS, 0, 1, 1);
    assertThat(swap.get(10, TimeUnit.SECONDS)).containsExactly(1);
    assertThat(asked).hasValue(0);
  }

  @Test
  void aPeerThatWentOnWithoutWhatItNeedsIsRefused() throws Exception {
    Linked linked = link(Duration.ofSeconds(20));
    linked.peer.send(1, 0, ExchangePoint.HEADS, 0, 1, 1);
    linked.peer.send(1, 0, ExchangePoint.DOWN, 0, 1, 1);
    linked.peer.send(1, 1, ExchangePoint.HEADS, 0, 1, 1);
    assertThat(linked.receive(1, 0, ExchangePoint.HEADS, 1)).containsExactly(1);
    // The next frames are there by now, or arrive during the swap: refused either way.
    assertThatThrownBy(
            () -> {
              linked.swap(1, 0, ExchangePoint.DOWN, 1).get(10, TimeUnit.SECONDS);
              linked.swap(1, 1, ExchangePoint.DOWN, 1).get(10, TimeUnit.SECONDS);
            })
        .hasCauseInstanceOf(ExchangeException.class)
        .extracting(PeerMeshTest::kindOf)
        .isEqualTo(Kind.MISMATCH);
  }

  @Test
  void namesWhatCameAndWhatWasDue() throws Exception {
    Linked linked = link(Duration.ofSeconds(20));
    linked.peer.send(1, 3, ExchangePoint.GATED, 0, 4, 1, 2, 3, 4);
    assertThatThrownBy(() -> linked.swap(1, 2, ExchangePoint.DOWN, 8).get(10, TimeUnit.SECONDS))
        .hasMessageContainingAll(
            "rank 0 sent step 1 layer 3 GATED byte 0 of 4 (4 bytes)",
            "where step 1 layer 2 DOWN byte 0 of 8 was due");
  }

  @Test
  void refusesTheWrongNumberOfParts() throws Exception {
    Linked linked = link(Duration.ofSeconds(20));
    CompletableFuture<?> swap =
        LoopGroup.on(
            loop,
            () -> {
              linked.exchange.swap(
                  0, ExchangePoint.HEADS, new MemorySegment[3], new MemorySegment[2]);
              return null;
            });
    assertThatThrownBy(() -> swap.get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 parts to send and 2 to receive for 2 ranks");
  }

  @Test
  void aFrameOfAnotherEpochIsRefused() throws Exception {
    Linked linked = link(Duration.ofSeconds(20));
    linked.peer.out.onNext(ExchangeFrame.newBuilder().setEpoch(6).setStep(1).setTotal(1).build());
    assertThatThrownBy(() -> linked.swap(1, 0, ExchangePoint.DOWN, 8).get(10, TimeUnit.SECONDS))
        .hasMessageContaining("sent a frame of epoch 6");
  }

  // ---------------------------------------------------------------- rank 0

  private Scripted dial(ExchangeFrame.Builder introduction) {
    Scripted scripted = new Scripted();
    scripted.out = PeerGrpc.newStub(Objects.requireNonNull(channel)).exchange(scripted);
    scripted.out.onNext(introduction.build());
    return scripted;
  }

  private Linked link(Duration timeout) throws Exception {
    return link(timeout, usual());
  }

  private static Waiting usual() {
    return new Waiting(Waiting.DEFAULT_SPIN_NANOS, true);
  }

  private Linked link(Duration timeout, Waiting waiting) throws Exception {
    CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    PeerMesh mesh = onLoop(() -> network.join(5, 1, 2));
    loop.execute(() -> mesh.connect(List.of("-", "-"), Duration.ofSeconds(20), to(ready)));
    Scripted peer = dial(ExchangeFrame.newBuilder().setEpoch(5));
    ready.get(20, TimeUnit.SECONDS);
    return new Linked(loop, peer, new PeerExchange(loop, mesh, timeout, waiting));
  }

  private <T> T onLoop(Supplier<T> work) throws Exception {
    return LoopGroup.on(loop, work).get(10, TimeUnit.SECONDS);
  }

  private static PeerMesh.Listener to(CompletableFuture<@Nullable Void> ready) {
    return LoopGroup.listener(ready);
  }

  private static @Nullable Kind kindOf(Throwable thrown) {
    return thrown.getCause() instanceof ExchangeException e ? e.kind() : null;
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(WAIT.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  private record Linked(RankLoop loop, Scripted peer, PeerExchange exchange) {

    CompletableFuture<byte[]> swap(long step, int layer, ExchangePoint point, int bytes) {
      return LoopGroup.on(
          loop,
          () -> {
            MemorySegment send = Arena.ofAuto().allocate(bytes);
            MemorySegment receive = Arena.ofAuto().allocate(bytes);
            exchange.beginStep(step);
            exchange.swap(
                layer,
                point,
                new @Nullable MemorySegment[] {send, null},
                new @Nullable MemorySegment[] {receive, null});
            return receive.toArray(ValueLayout.JAVA_BYTE);
          });
    }

    byte[] receive(long step, int layer, ExchangePoint point, int bytes) throws Exception {
      return LoopGroup.on(
              loop,
              () -> {
                MemorySegment receive = Arena.ofAuto().allocate(bytes);
                exchange.beginStep(step);
                exchange.swap(
                    layer,
                    point,
                    new @Nullable MemorySegment[2],
                    new @Nullable MemorySegment[] {receive, null});
                return receive.toArray(ValueLayout.JAVA_BYTE);
              })
          .get(20, TimeUnit.SECONDS);
    }
  }

  private static final class Scripted implements StreamObserver<ExchangeFrame> {
    final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();
    StreamObserver<ExchangeFrame> out = this;

    void send(long step, int layer, ExchangePoint point, int offset, int total, int... payload) {
      byte[] bytes = new byte[payload.length];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) payload[i];
      }
      out.onNext(
          ExchangeFrame.newBuilder()
              .setEpoch(5)
              .setStep(step)
              .setLayer(layer)
              .setPoint(point.number())
              .setOffset(offset)
              .setTotal(total)
              .setPayload(ByteString.copyFrom(bytes))
              .build());
    }

    @Override
    public void onNext(ExchangeFrame frame) {}

    @Override
    public void onError(Throwable error) {
      end.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      end.complete(null);
    }
  }
}
