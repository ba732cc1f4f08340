package io.ladon.worker.exchange;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
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
    call.setOnReadyThreshold(1); // ready means that nothing is queued: see GrpcExchange
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
    call.sendHeaders(new Metadata());
    call.request(Peer.CREDIT);
    Peer from = of.accept(frame.rank, this);
    if (from == null) {
      refuse("rank " + frame.rank + " is not expected here");
      return;
    }
    mesh = of;
    peer = from;
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
