package io.ladon.worker.exchange;

import io.ladon.engine.exchange.ExchangeException.Kind;
import io.ladon.proto.Signal;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One other rank of an epoch: what is still to be sent to it and received from it in the current
 * swap. Of the rank's loop.
 */
final class Peer {

  /** Payload of one frame; with its header it fits the largest buffer gRPC allocates, 1 MiB. */
  static final int FRAME_BYTES = (1 << 20) - 1024;

  /**
   * Frames that a peer may have in flight beyond what this rank took. Bounds the memory for early
   * frames: a peer that needs this rank's parts is at most one swap ahead, one that only sends is
   * held back by this.
   */
  static final int CREDIT = 8;

  private static final MemorySegment NOTHING = MemorySegment.NULL;

  private final int rank;
  private final long epoch;
  private final int ownRank;
  private final EarlyFrames early = new EarlyFrames();
  private final Frame outgoing = new Frame();
  private final Frame doorbell = new Frame();
  private @Nullable PeerLink link;
  private @Nullable SharedLane lane; // where parts travel, if not in frames
  private boolean rung; // a doorbell has been handed to the stream in this swap
  private int taken; // frames taken since the last grant of credit

  private boolean swapping;
  private long step;
  private int layer;
  private int point;
  private MemorySegment part = NOTHING;
  private long partBytes;
  private long sent;
  private MemorySegment target = NOTHING;
  private long due;
  private long received;

  private @Nullable Kind failureKind;
  private String failure = "";
  private @Nullable Throwable cause;

  Peer(int rank, long epoch, int ownRank) {
    this.rank = rank;
    this.epoch = epoch;
    this.ownRank = ownRank;
    doorbell.epoch = epoch;
    doorbell.rank = ownRank;
    doorbell.point = Signal.DOORBELL_VALUE;
  }

  int rank() {
    return rank;
  }

  boolean linked() {
    return link != null;
  }

  /**
   * @param shared where parts travel; null if in frames
   */
  void link(PeerLink newLink, @Nullable SharedLane shared) {
    link = newLink;
    lane = shared;
  }

  boolean sharesMemory() {
    return lane != null;
  }

  /** Ends the stream, if there is one. */
  void unlink(String reason) {
    PeerLink old = link;
    link = null;
    SharedLane oldLane = lane;
    lane = null;
    if (oldLane != null) {
      oldLane.close();
    }
    if (old != null) {
      old.abort(reason);
    }
  }

  /** The stream is gone; only the first failure counts. */
  void fail(Kind kind, String reason, @Nullable Throwable why) {
    if (failureKind == null) {
      failureKind = kind;
      failure = reason;
      cause = why;
    }
  }

  /** What went wrong with this peer, or null. */
  @Nullable Kind failureKind() {
    return failureKind;
  }

  String failure() {
    return failure;
  }

  @Nullable Throwable cause() {
    return cause;
  }

  /** A swap begins: takes what has come early. */
  void begin(
      long newStep,
      int newLayer,
      int newPoint,
      @Nullable MemorySegment send,
      @Nullable MemorySegment receive) {
    step = newStep;
    layer = newLayer;
    point = newPoint;
    part = send == null ? NOTHING : send;
    partBytes = part.byteSize();
    sent = 0;
    target = receive == null ? NOTHING : receive;
    due = target.byteSize();
    received = 0;
    rung = false;
    if (lane != null) {
      return;
    }
    swapping = true;
    takeEarly();
    EarlyFrames.Early beyond = partBytes == 0 ? null : early.firstBeyond(step, layer, point);
    if (beyond != null && failureKind == null) {
      fail(
          Kind.MISMATCH,
          "went on to %s without this rank's part of %s"
              .formatted(
                  Frame.describe(
                      beyond.step, beyond.layer, beyond.point, beyond.offset, beyond.total),
                  Frame.describe(step, layer, point, 0, partBytes)),
          null);
    }
  }

  private void takeEarly() {
    EarlyFrames.Early next = early.peek();
    while (next != null && received < due) {
      if (!expected(next.step, next.layer, next.point, next.offset, next.total, next.bytes)) {
        return;
      }
      next.copyTo(target, received);
      received += next.bytes;
      early.remove();
      grant();
      next = early.peek();
    }
  }

  /**
   * Sends as much as goes without waiting, and takes what lies in shared memory.
   *
   * @return whether there was any
   */
  boolean pump() {
    SharedLane through = lane;
    if (through != null) {
      return failureKind != Kind.MISMATCH && pump(through);
    }
    PeerLink to = link;
    long before = sent;
    while (to != null && sent < partBytes && to.flushed()) {
      outgoing.epoch = epoch;
      outgoing.step = step;
      outgoing.layer = layer;
      outgoing.point = point;
      outgoing.rank = ownRank;
      outgoing.offset = sent;
      outgoing.total = partBytes;
      outgoing.payload = part;
      outgoing.payloadOffset = sent;
      outgoing.payloadBytes = (int) Math.min(FRAME_BYTES, partBytes - sent);
      to.send(outgoing);
      sent += outgoing.payloadBytes;
    }
    return sent != before;
  }

  private boolean pump(SharedLane through) {
    boolean moved = false;
    boolean more;
    do { // a piece out, a piece in, so that both sides copy at once
      more = false;
      if (sent < partBytes && through.hasRoom()) {
        sent += through.write(step, layer, point, part, sent);
        more = true;
      }
      if (received < due && through.hasNext() && take(through)) {
        more = true;
      }
      moved |= more;
    } while (more);
    PeerLink to = link;
    if (moved && through.peerSleeps() && to != null) {
      to.send(doorbell);
      rung = true;
    }
    return moved;
  }

  private boolean take(SharedLane from) {
    int bytes = from.bytes();
    if (!expected(from.step(), from.layer(), from.point(), from.offset(), from.total(), bytes)
        || bytes > SharedLane.SLOT_BYTES) {
      return false;
    }
    from.take(target, received, bytes);
    received += bytes;
    return true;
  }

  /** Whether the loop has to be driven for this swap to come to its end. */
  boolean needsLoop() {
    return lane == null ? !receivedAll() || !sentAll() : rung && !sentAll();
  }

  /** This rank is about to block: has the peer ring when it has done its part. */
  void fallAsleep() {
    SharedLane from = lane;
    if (from != null && (received < due || sent < partBytes)) {
      from.fallAsleep();
    }
  }

  /** This rank looks by itself again. */
  void awake() {
    SharedLane from = lane;
    if (from != null) {
      from.awake();
    }
  }

  boolean receivedAll() {
    return received == due;
  }

  /** Whether everything has gone to the operating system, or lies in shared memory. */
  boolean sentAll() {
    PeerLink to = link;
    boolean inFrames = lane == null ? partBytes > 0 : rung;
    return sent == partBytes && (!inFrames || to == null || to.flushed());
  }

  /** The swap is over, one way or the other. */
  void end() {
    swapping = false;
    part = NOTHING;
    target = NOTHING;
    outgoing.payload = NOTHING;
  }

  /** A frame has come from the stream. */
  void onFrame(Frame frame) {
    if (failureKind != null) {
      return;
    }
    try {
      if (frame.epoch != epoch || frame.rank != rank) {
        fail(
            Kind.MISMATCH,
            "sent a frame of epoch %d rank %d on the stream of epoch %d rank %d"
                .formatted(frame.epoch, frame.rank, epoch, rank),
            null);
      } else if (frame.isSignal()) {
        grant(); // a doorbell has done its work: the loop has returned
      } else if (lane != null) {
        fail(Kind.MISMATCH, "sent a part in a frame beside the shared memory", null);
      } else if (!swapping || received == due) {
        early.add(frame);
      } else if (expected(
          frame.step, frame.layer, frame.point, frame.offset, frame.total, frame.payloadBytes)) {
        frame.copyPayload(target, received);
        received += frame.payloadBytes;
        grant();
      }
    } catch (IOException e) {
      fail(Kind.MISMATCH, "sent a broken frame: " + e.getMessage(), e);
    }
  }

  private boolean expected(
      long hisStep, int hisLayer, int hisPoint, long offset, long total, int bytes) {
    if (hisStep == step
        && hisLayer == layer
        && hisPoint == point
        && offset == received
        && total == due
        && bytes > 0
        && bytes <= due - received) {
      return true;
    }
    fail(
        Kind.MISMATCH,
        "sent %s (%d bytes) where %s was due"
            .formatted(
                Frame.describe(hisStep, hisLayer, hisPoint, offset, total),
                bytes,
                Frame.describe(step, layer, point, received, due)),
        null);
    return false;
  }

  private void grant() {
    taken++;
    PeerLink from = link;
    if (taken >= CREDIT / 2 && from != null) {
      from.request(taken);
      taken = 0;
    }
  }
}
