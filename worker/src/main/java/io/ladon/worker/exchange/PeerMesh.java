package io.ladon.worker.exchange;

import io.grpc.ManagedChannel;
import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.worker.loop.RankLoop;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The streams from one rank to all others of an epoch, one for each pair: the lower rank dials the
 * higher. All methods are called on the rank's loop.
 */
public final class PeerMesh {

  private static final Logger log = LoggerFactory.getLogger(PeerMesh.class);

  private final RankLoop loop;
  private final PeerNetwork network;
  private final long epoch;
  private final int rank;
  private final int ranks;
  private int windowBytes = PeerNetwork.windowBytes(0);
  private final Peer[] peers; // all but this rank, ascending
  private final List<ManagedChannel> channels = new ArrayList<>();
  private @Nullable Listener listener;
  private RankLoop.@Nullable Timer timer;
  private boolean ready;
  private boolean closed;

  /** Told once how linking ended, and once when a stream breaks after that. */
  public interface Listener {
    /** Every peer is linked. */
    void onReady();

    /** A peer could not be linked in time, or its stream broke; the mesh is of no more use. */
    void onFailure(int peerRank, String reason);
  }

  PeerMesh(RankLoop loop, PeerNetwork network, long epoch, int rank, int ranks) {
    this.loop = loop;
    this.network = network;
    this.epoch = epoch;
    this.rank = rank;
    this.ranks = ranks;
    this.peers = new Peer[ranks - 1];
    for (int i = 0; i < peers.length; i++) {
      peers[i] = new Peer(i < rank ? i : i + 1, epoch, rank);
    }
  }

  public long epoch() {
    return epoch;
  }

  public int rank() {
    return rank;
  }

  public int ranks() {
    return ranks;
  }

  /**
   * Sizes the streams that will be dialled.
   *
   * @param bytes of the largest part that one rank will send another in this epoch
   */
  public void largestPart(long bytes) {
    windowBytes = PeerNetwork.windowBytes(bytes);
  }

  void onLoop(Runnable callback) {
    loop.execute(callback);
  }

  Peer[] peers() {
    return peers;
  }

  /**
   * Dials the higher ranks and waits for the lower ones.
   *
   * @param addresses host:port by rank
   */
  public void connect(List<String> addresses, Duration timeout, Listener newListener) {
    if (addresses.size() != ranks) {
      throw new IllegalArgumentException(
          addresses.size() + " peer addresses for " + ranks + " ranks");
    }
    listener = newListener;
    timer = loop.schedule(timeout.toNanos(), () -> late(timeout));
    for (int higher = rank + 1; higher < ranks; higher++) {
      ManagedChannel channel = network.dial(addresses.get(higher), windowBytes);
      channels.add(channel);
      ClientLink.open(channel, network.method(), this, peer(higher));
    }
    for (Peer peer : peers) {
      if (peer.failureKind() != null) { // a lower rank came, and went again
        report(peer.rank(), peer.failure());
        return;
      }
    }
    checkReady();
  }

  /**
   * A lower rank has introduced itself.
   *
   * @return its place here, or null with the reason in the log if it is not wanted
   */
  @Nullable Peer accept(int from, PeerLink link) {
    if (closed || from < 0 || from >= rank || peer(from).linked()) {
      log.warn("event=peer_refused epoch={} rank={} from={}", epoch, rank, from);
      return null;
    }
    Peer peer = peer(from);
    linked(peer, link);
    return peer;
  }

  void linked(Peer peer, PeerLink link) {
    peer.link(link);
    checkReady();
  }

  /** A stream has ended, or never began. */
  void ended(Peer peer, String reason, @Nullable Throwable cause) {
    if (closed) {
      return;
    }
    peer.fail(Kind.LOST, reason, cause);
    log.warn(
        "event=peer_lost epoch={} rank={} peer={} reason=\"{}\"", epoch, rank, peer.rank(), reason);
    report(peer.rank(), reason);
  }

  private Peer peer(int other) {
    return peers[other < rank ? other : other - 1];
  }

  private void checkReady() {
    Listener to = listener;
    if (ready || closed || to == null) {
      return;
    }
    for (Peer peer : peers) {
      if (!peer.linked()) {
        return;
      }
    }
    ready = true;
    stopTimer();
    to.onReady();
  }

  private void late(Duration timeout) {
    for (Peer peer : peers) {
      if (!peer.linked()) {
        ended(peer, "did not connect within " + timeout.toMillis() + " ms", null);
        return;
      }
    }
  }

  private void report(int missing, String reason) {
    stopTimer();
    Listener to = listener;
    listener = null;
    if (to != null) {
      to.onFailure(missing, reason);
    }
  }

  private void stopTimer() {
    RankLoop.Timer running = timer;
    timer = null;
    if (running != null) {
      running.cancel();
    }
  }

  /** Ends all streams. Idempotent. */
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    stopTimer();
    network.forget(this);
    for (Peer peer : peers) {
      peer.unlink("epoch " + epoch + " is over");
    }
    for (ManagedChannel channel : channels) {
      channel.shutdownNow();
    }
  }
}
