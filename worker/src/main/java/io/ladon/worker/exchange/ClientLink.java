package io.ladon.worker.exchange;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.ladon.proto.SharedMemoryAnswer;
import io.ladon.proto.Signal;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The dialling side of a stream between two ranks. */
final class ClientLink extends ClientCall.Listener<Frame> implements PeerLink {

  private final ClientCall<Frame, Frame> call;
  private final PeerMesh mesh;
  private final Peer peer;
  private SharedMemory.@Nullable Offer offer; // until it is answered

  private ClientLink(
      ClientCall<Frame, Frame> call, PeerMesh mesh, Peer peer, SharedMemory.@Nullable Offer offer) {
    this.call = call;
    this.mesh = mesh;
    this.peer = peer;
    this.offer = offer;
  }

  /**
   * Dials; the mesh hears of the outcome.
   *
   * @param offer of memory to share, which the link closes unless it is taken
   */
  static ClientLink open(
      Channel channel,
      MethodDescriptor<Frame, Frame> method,
      PeerMesh mesh,
      Peer peer,
      SharedMemory.@Nullable Offer offer) {
    // Ready means that nothing is queued: see PeerExchange.
    CallOptions options = CallOptions.DEFAULT.withOnReadyThreshold(1);
    ClientCall<Frame, Frame> call = channel.newCall(method, options);
    ClientLink link = new ClientLink(call, mesh, peer, offer);
    call.start(link, new Metadata());
    byte[] content = offer == null ? new byte[0] : offer.message().toByteArray();
    call.sendMessage(Frame.signal(mesh.epoch(), mesh.rank(), Signal.INTRODUCTION, content));
    call.request(Peer.CREDIT);
    return link;
  }

  @Override
  public void onHeaders(Metadata headers) {
    if (offer == null) {
      mesh.onLoop(() -> mesh.linked(peer, this, null)); // the acceptor has taken the introduction
    }
  }

  @Override
  public void onMessage(Frame frame) {
    SharedMemory.Offer open = offer;
    if (open == null) {
      peer.onFrame(frame);
      return;
    }
    try {
      if (!frame.isSignal() || frame.point != Signal.ANSWER_VALUE) {
        throw new IOException(frame.describe());
      }
      SharedMemoryAnswer answer = SharedMemoryAnswer.parseFrom(frame.content());
      call.request(1);
      offer = null;
      open.removeFile();
      if (answer.getTaken()) {
        mesh.linked(peer, this, open.lane());
      } else {
        open.close();
        mesh.unshared(peer, this, answer.getReason());
      }
    } catch (IOException e) {
      giveUp();
      call.cancel("no answer to the offer of shared memory: " + e.getMessage(), e);
    }
  }

  /** Takes an offer back that was not answered. Idempotent. */
  void giveUp() {
    SharedMemory.Offer open = offer;
    offer = null;
    if (open != null) {
      open.close();
    }
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    mesh.onLoop(
        () -> {
          giveUp();
          mesh.ended(peer, PeerNetwork.describe(status), status.getCause());
        });
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
    call.cancel(reason, null);
  }
}
