package io.ladon.worker.exchange;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.ladon.proto.SharedMemoryAnswer;
import io.ladon.proto.SharedMemoryOffer;
import io.ladon.proto.Signal;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The accepting side of a stream between two ranks. */
final class ServerLink extends ServerCall.Listener<Frame> implements PeerLink {

  private final PeerNetwork network;
  private final ServerCall<Frame, Frame> call;
  private @Nullable PeerMesh mesh;
  private @Nullable Peer peer;
  private boolean over;

  ServerLink(PeerNetwork network, ServerCall<Frame, Frame> call) {
    this.network = network;
    this.call = call;
    call.setOnReadyThreshold(1); // ready means that nothing is queued: see PeerExchange
    call.request(1);
  }

  @Override
  public void onMessage(Frame frame) {
    Peer from = peer;
    if (from != null) {
      from.onFrame(frame);
    } else if (!over) {
      introduce(frame);
    }
  }

  private void introduce(Frame frame) {
    PeerMesh of = network.mesh(frame.epoch);
    if (!frame.isIntroduction() || of == null) {
      refuse(
          frame.isIntroduction()
              ? "epoch " + frame.epoch + " is not the one of this worker"
              : "the first frame is no introduction: " + frame.describe());
      return;
    }
    int from = frame.rank;
    if (!of.expects(from)) {
      refuse("rank " + from + " is not expected here");
      return;
    }
    SharedLane lane = null;
    String reason = "rank " + from + " offered none";
    boolean offered = frame.payloadBytes > 0;
    if (offered) {
      try {
        lane = of.take(SharedMemoryOffer.parseFrom(frame.content()));
      } catch (IOException e) {
        reason = String.valueOf(e.getMessage());
      }
    }
    if (lane == null && !of.mayDoWithoutSharedMemory()) {
      refuse("no shared memory with rank " + of.rank() + ", which must have it: " + reason);
      return;
    }
    call.sendHeaders(new Metadata());
    call.request(Peer.CREDIT);
    if (offered) {
      answer(of, lane != null, reason);
    }
    mesh = of;
    peer = of.accept(from, this, lane, reason);
  }

  private void answer(PeerMesh of, boolean taken, String reason) {
    SharedMemoryAnswer answer =
        SharedMemoryAnswer.newBuilder().setTaken(taken).setReason(taken ? "" : reason).build();
    call.sendMessage(Frame.signal(of.epoch(), of.rank(), Signal.ANSWER, answer.toByteArray()));
  }

  private void refuse(String reason) {
    over = true;
    call.close(Status.FAILED_PRECONDITION.withDescription(reason), new Metadata());
  }

  @Override
  public void onHalfClose() {
    end("ended the stream");
  }

  @Override
  public void onCancel() {
    end("broke off the stream");
  }

  private void end(String reason) {
    PeerMesh of = mesh;
    Peer from = peer;
    if (of != null && from != null && !over) {
      over = true;
      of.onLoop(() -> of.ended(from, reason, null));
    }
  }

  @Override
  public boolean flushed() {
    return call.isReady();
  }

  @Override
  public void send(Frame frame) {
    call.sendMessage(frame);
  }

  @Override
  public void request(int frames) {
    call.request(frames);
  }

  @Override
  public void abort(String reason) {
    if (!over) {
      over = true;
      call.close(Status.ABORTED.withDescription(reason), new Metadata());
    }
  }
}
