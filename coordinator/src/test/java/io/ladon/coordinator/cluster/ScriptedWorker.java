package io.ladon.coordinator.cluster;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.ladon.coordinator.FakeWorker;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.WorkerMessage;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A {@link FakeWorker} that dials a coordinator over loopback. */
public final class ScriptedWorker implements AutoCloseable {

  public final FakeWorker worker;
  public final ManagedChannel channel;
  private final CountDownLatch over = new CountDownLatch(1);
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

  /** Opens the stream and says nothing. */
  public ScriptedWorker joinWithoutHello() {
    ClusterGrpc.newStub(channel).join(new Answers());
    return this;
  }

  private final class Answers implements StreamObserver<CoordinatorMessage> {

    private @Nullable StreamObserver<WorkerMessage> toCoordinator;

    synchronized void begin(StreamObserver<WorkerMessage> stream) {
      toCoordinator = stream;
      stream.onNext(worker.hello());
    }

    @Override
    public synchronized void onNext(CoordinatorMessage message) {
      WorkerMessage answer = worker.answer(message);
      if (answer != null && toCoordinator != null) {
        toCoordinator.onNext(answer);
      }
    }

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
