package io.ladon.worker.exchange;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/** The dialling side of a stream between two ranks. */
final class ClientLink extends ClientCall.Listener<Frame> implements PeerLink {

  private final ClientCall<Frame, Frame> call;
  private final PeerMesh mesh;
  private final Peer peer;

  private ClientLink(ClientCall<Frame, Frame> call, PeerMesh mesh, Peer peer) {
    this.call = call;
    this.mesh = mesh;
    this.peer = peer;
  }

  /** Dials; the mesh hears of the outcome. */
  static void open(
      Channel channel, MethodDescriptor<Frame, Frame> method, PeerMesh mesh, Peer peer) {
    // Ready means that nothing is queued: see GrpcExchange.
    CallOptions options = CallOptions.DEFAULT.withOnReadyThreshold(1);
    ClientCall<Frame, Frame> call = channel.newCall(method, options);
    call.start(new ClientLink(call, mesh, peer), new Metadata());
    Frame introduction = new Frame();
    introduction.epoch = mesh.epoch();
    introduction.rank = mesh.rank();
    call.sendMessage(introduction);
    call.request(Peer.CREDIT);
  }

  @Override
  public void onHeaders(Metadata headers) {
    mesh.onLoop(() -> mesh.linked(peer, this)); // the acceptor has taken the introduction
  }

  @Override
  public void onMessage(Frame frame) {
    peer.onFrame(frame);
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    mesh.onLoop(() -> mesh.ended(peer, PeerNetwork.describe(status), status.getCause()));
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
