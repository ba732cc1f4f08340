package io.ladon.worker.exchange;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Frames of one peer that came before this rank asked for them, in order, in buffers that are used
 * again. Never more than the peer has credit for.
 */
final class EarlyFrames {

  private final ArrayDeque<Early> waiting = new ArrayDeque<>();
  private final ArrayDeque<Early> free = new ArrayDeque<>();

  /** Takes over an incoming frame. */
  void add(Frame frame) throws IOException {
    Early early = free.poll();
    if (early == null) {
      early = new Early();
    }
    early.fill(frame);
    waiting.add(early);
  }

  /** The oldest, or null. */
  @Nullable Early peek() {
    return waiting.peek();
  }

  /** Forgets the oldest; its buffer may be filled again. */
  void remove() {
    free.add(waiting.remove());
  }

  /** The first frame that does not belong to an exchange, or null. */
  @Nullable Early firstBeyond(long step, int layer, int point) {
    for (Early early : waiting) {
      if (early.step != step || early.layer != layer || early.point != point) {
        return early;
      }
    }
    return null;
  }

  /** A frame with its payload. */
  static final class Early {
    long step;
    int layer;
    int point;
    long offset;
    long total;
    int bytes;
    private byte[] payload = {};

    private void fill(Frame frame) throws IOException {
      step = frame.step;
      layer = frame.layer;
      point = frame.point;
      offset = frame.offset;
      total = frame.total;
      bytes = frame.payloadBytes;
      if (payload.length < bytes) {
        payload = new byte[Math.max(1024, Integer.highestOneBit(bytes - 1) << 1)];
      }
      frame.copyPayload(MemorySegment.ofArray(payload), 0);
    }

    void copyTo(MemorySegment target, long at) {
      MemorySegment.copy(payload, 0, target, ValueLayout.JAVA_BYTE, at, bytes);
    }
  }
}
