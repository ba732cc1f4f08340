package io.ladon.coordinator.cluster;

import static java.util.Objects.requireNonNull;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.ladon.coordinator.FakeWorker;
import io.ladon.net.LocalSocket;
import io.ladon.net.Transport;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.LocalLink;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.WorkerMessage;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A {@link FakeWorker} that dials a coordinator over loopback. */
public final class ScriptedWorker implements AutoCloseable {

  public final FakeWorker worker;
  public final ManagedChannel channel;

  /** Steps that have come over the coordinator's local socket. */
  public final AtomicInteger localSteps = new AtomicInteger();

  private final CountDownLatch over = new CountDownLatch(1);
  private @Nullable EventLoopGroup near;
  private volatile @Nullable Status status;

  public ScriptedWorker(FakeWorker worker, int port, int largestMessage) {
    this.worker = worker;
    this.channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port)
            .usePlaintext()
            .maxInboundMessageSize(largestMessage)
            .directExecutor()
            .build();
  }

  /** Joins; answers come from the channel's own thread. */
  public ScriptedWorker join() {
    Answers answers = new Answers();
    StreamObserver<WorkerMessage> toCoordinator = ClusterGrpc.newStub(channel).join(answers);
    answers.begin(toCoordinator);
    return this;
  }

  /** Takes the coordinator's offer of a local socket; its channel is the group's. */
  public ScriptedWorker onThisMachine(EventLoopGroup group) {
    near = group;
    return this;
  }

  /** Opens the stream and says nothing. */
  public ScriptedWorker joinWithoutHello() {
    ClusterGrpc.newStub(channel).join(new Answers());
    return this;
  }

  /** Connects as the owner of a token. */
  static Channel connect(
      EventLoopGroup group, LocalOffer offer, LocalSocket.Receiver<CoordinatorMessage> receiver) {
    return requireNonNull(Transport.EPOLL.localChannels())
        .connect(
            group,
            offer.getSocket(),
            new LocalSocket<>(1 << 20, CoordinatorMessage.parser(), receiver),
            Duration.ofSeconds(10))
        .channel();
  }

  private final class Answers
      implements StreamObserver<CoordinatorMessage>, LocalSocket.Receiver<CoordinatorMessage> {

    private @Nullable StreamObserver<WorkerMessage> toCoordinator;
    private LocalOffer offer = LocalOffer.getDefaultInstance();

    synchronized void begin(StreamObserver<WorkerMessage> stream) {
      toCoordinator = stream;
      stream.onNext(worker.hello());
    }

    @Override
    public synchronized void onNext(CoordinatorMessage message) {
      if (message.hasLocalOffer() && near != null) {
        offer = message.getLocalOffer();
        connect(near, offer, this);
      }
      WorkerMessage answer = worker.answer(message);
      if (answer != null && toCoordinator != null) {
        toCoordinator.onNext(answer);
      }
    }

    @Override
    public void onOpen(LocalSocket<CoordinatorMessage> socket) {
      socket.send(
          WorkerMessage.newBuilder()
              .setLocalLink(LocalLink.newBuilder().setToken(offer.getToken()))
              .build());
    }

    @Override
    public synchronized void onMessage(
        LocalSocket<CoordinatorMessage> socket, CoordinatorMessage message) {
      localSteps.incrementAndGet();
      socket.send(requireNonNull(worker.answer(message)));
    }

    @Override
    public void onClosed(@Nullable Throwable cause) {}

    @Override
    public void onError(Throwable error) {
      status = Status.fromThrowable(error);
      over.countDown();
    }

    @Override
    public void onCompleted() {
      status = Status.OK;
      over.countDown();
    }
  }

  /** How the coordinator ended the stream. */
  public Status awaitEnd(Duration limit) throws InterruptedException {
    if (!over.await(limit.toMillis(), TimeUnit.MILLISECONDS) || status == null) {
      throw new AssertionError("the stream has not ended within " + limit);
    }
    return status;
  }

  /** Breaks the connection, as a killed process does. */
  @Override
  public void close() {
    channel.shutdownNow();
  }
}
