package io.ladon.worker.exchange;

import io.grpc.ManagedChannel;
import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.proto.SharedMemoryOffer;
import io.ladon.worker.loop.RankLoop;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
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
  private final ExchangeMode mode;
  private final long epoch;
  private final int rank;
  private final int ranks;
  private int windowBytes = PeerNetwork.windowBytes(0);
  private final Peer[] peers; // all but this rank, ascending
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final List<ClientLink> dialled = new ArrayList<>();
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
    this.mode = network.mode();
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

  /** How parts travel to a linked peer. */
  public ExchangeMode modeOf(int other) {
    return peer(other).sharesMemory() ? ExchangeMode.SHARED_MEMORY : ExchangeMode.GRPC;
  }

  /** How many linked peers parts travel to in some way. */
  public int linked(ExchangeMode way) {
    return (int) Arrays.stream(peers).filter(peer -> modeOf(peer.rank()) == way).count();
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
      if (!dial(peer(higher), addresses.get(higher))) {
        return;
      }
    }
    for (Peer peer : peers) {
      if (peer.failureKind() != null) { // a lower rank came, and went again
        report(peer.rank(), peer.failure());
        return;
      }
    }
    checkReady();
  }

  private boolean dial(Peer peer, String address) {
    SharedMemory.Offer offer = null;
    if (mode != ExchangeMode.GRPC) {
      try {
        offer = network.sharedMemory().offer();
      } catch (IOException e) {
        String reason = String.valueOf(e.getMessage());
        if (mode == ExchangeMode.SHARED_MEMORY) {
          ended(peer, "must share memory with this rank: " + reason, e);
          return false;
        }
        log.warn("event=no_shared_memory epoch={} rank={} reason=\"{}\"", epoch, rank, reason);
      }
    }
    ManagedChannel channel = network.dial(address, windowBytes);
    channels.add(channel);
    dialled.add(ClientLink.open(channel, network.method(), this, peer, offer));
    return true;
  }

  /** Whether a lower rank may introduce itself. */
  boolean expects(int from) {
    if (closed || from < 0 || from >= rank || peer(from).linked()) {
      log.warn("event=peer_refused epoch={} rank={} from={}", epoch, rank, from);
      return false;
    }
    return true;
  }

  /**
   * Opens memory that a lower rank offers.
   *
   * @throws IOException if it cannot, or shall not
   */
  SharedLane take(SharedMemoryOffer offer) throws IOException {
    if (mode == ExchangeMode.GRPC) {
      throw new IOException("rank " + rank + " is told to exchange over gRPC");
    }
    return network.sharedMemory().take(offer);
  }

  boolean mayDoWithoutSharedMemory() {
    return mode != ExchangeMode.SHARED_MEMORY;
  }

  /**
   * A lower rank that is expected has introduced itself.
   *
   * @param lane what it shares; null if nothing, with the reason
   * @return its place here
   */
  Peer accept(int from, PeerLink link, @Nullable SharedLane lane, String reason) {
    Peer peer = peer(from);
    linked(peer, link, lane, reason);
    return peer;
  }

  /** A higher rank has answered. */
  void linked(Peer peer, PeerLink link, @Nullable SharedLane lane) {
    linked(peer, link, lane, "not offered");
  }

  /** A higher rank has answered, and does not share memory. */
  void unshared(Peer peer, PeerLink link, String reason) {
    if (mayDoWithoutSharedMemory()) {
      linked(peer, link, null, reason);
    } else {
      link.abort("no shared memory");
      ended(peer, "must share memory with this rank: " + reason, null);
    }
  }

  private void linked(Peer peer, PeerLink link, @Nullable SharedLane lane, String reason) {
    if (closed) {
      if (lane != null) {
        lane.close();
      }
      return;
    }
    if (lane != null) {
      log.info(
          "event=peer_linked epoch={} rank={} peer={} exchange={}",
          epoch,
          rank,
          peer.rank(),
          ExchangeMode.SHARED_MEMORY.label());
    } else {
      log.info(
          "event=peer_linked epoch={} rank={} peer={} exchange={} reason=\"{}\"",
          epoch,
          rank,
          peer.rank(),
          ExchangeMode.GRPC.label(),
          mode == ExchangeMode.GRPC ? "told to" : reason);
    }
    peer.link(link, lane);
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
    for (ClientLink link : dialled) {
      link.giveUp();
    }
    for (ManagedChannel channel : channels) {
      channel.shutdownNow();
    }
  }
}
