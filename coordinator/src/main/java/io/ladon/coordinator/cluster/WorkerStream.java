package io.ladon.coordinator.cluster;

import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ladon.coordinator.schedule.Loop;
import io.ladon.net.LocalSocket;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.WorkerMessage;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One worker's Join stream, and its connection to the local socket where it is on this machine.
 * gRPC calls it on the loop.
 */
final class WorkerStream implements StreamObserver<WorkerMessage>, MemberLink {

  private static final Logger log = LoggerFactory.getLogger(WorkerStream.class);

  private final Loop loop;
  private final Cluster cluster;
  private final ServerCallStreamObserver<CoordinatorMessage> call;
  private final Loop.Timer helloDeadline;
  private final LocalServer locals;
  private @Nullable Member member;
  private @Nullable LocalOffer offer; // that the worker has been made
  private @Nullable LocalSocket<WorkerMessage> local; // that it has taken
  private boolean closed; // nothing more is sent, and nothing heard

  WorkerStream(
      Loop loop,
      Cluster cluster,
      ServerCallStreamObserver<CoordinatorMessage> call,
      LocalServer locals,
      Duration helloLimit) {
    this.loop = loop;
    this.locals = locals;
    this.cluster = cluster;
    this.call = call;
    call.setOnCancelHandler(() -> over("its connection broke"));
    this.helloDeadline =
        loop.schedule(
            helloLimit,
            () ->
                end(
                    Status.DEADLINE_EXCEEDED.withDescription(
                        "no Hello within " + helloLimit.toMillis() + " ms")));
  }

  @Override
  public void onNext(WorkerMessage message) {
    if (!loop.inLoop()) {
      throw new IllegalStateException("a worker's message arrived outside of the loop");
    }
    if (closed) {
      return;
    }
    try {
      Member current = member;
      if (current != null) {
        cluster.onMessage(current, message);
      } else if (message.hasHello()) {
        helloDeadline.cancel();
        member = cluster.join(message.getHello(), this);
        offerLocal();
      } else {
        end(Status.FAILED_PRECONDITION.withDescription("the first message must be a Hello"));
      }
    } catch (RuntimeException e) {
      log.error("a message of {} could not be handled", member, e);
      end(Status.INTERNAL.withDescription("the coordinator failed on a message: " + e));
      over("its message could not be handled: " + e);
    }
  }

  private void offerLocal() {
    LocalOffer made = member == null ? null : locals.offer(this);
    offer = made;
    if (made != null) {
      send(CoordinatorMessage.newBuilder().setLocalOffer(made).build());
    }
  }

  /** The worker has come to the local socket. */
  void link(LocalSocket<WorkerMessage> socket) {
    log.info("{} takes its steps over the local socket", member);
    local = socket;
  }

  /**
   * Its connection there is over: a worker that leaves has closed it, or it has failed.
   *
   * @param cause null if it was closed
   */
  void unlink(@Nullable Throwable cause) {
    local = null;
    if (!closed && cause != null) {
      end(Status.INTERNAL.withDescription("the local socket failed: " + cause));
      over("its connection to the local socket failed: " + cause);
    }
  }

  private void closeLocal() {
    if (offer != null) {
      locals.withdraw(offer);
    }
    if (local != null) {
      local.close();
    }
  }

  @Override
  public void onError(Throwable error) {
    over("its stream failed: " + Status.fromThrowable(error));
  }

  @Override
  public void onCompleted() {
    end(Status.OK);
    over("it closed its stream");
  }

  /** The worker's side is over. */
  private void over(String how) {
    helloDeadline.cancel();
    Member current = member;
    member = null;
    if (current != null) {
      cluster.gone(current, how);
    }
    closed = true;
    closeLocal();
  }

  @Override
  public void send(CoordinatorMessage message) {
    if (closed || call.isCancelled()) {
      return;
    }
    LocalSocket<WorkerMessage> near = local;
    if (near != null && (message.hasStep() || message.hasFetchLogits())) {
      near.send(message);
    } else {
      call.onNext(message);
    }
  }

  @Override
  public void end(Status status) {
    if (closed) {
      return;
    }
    closed = true;
    closeLocal();
    helloDeadline.cancel();
    if (status.isOk()) {
      call.onCompleted();
    } else {
      call.onError(status.asRuntimeException());
    }
  }
}
