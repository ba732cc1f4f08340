package io.ladon.worker.exchange;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.proto.Signal;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * One {@code ladon.v1.ExchangeFrame}, going out or coming in, without a protobuf object: going out
 * it points at the bytes of the part where they lie; coming in its payload waits in gRPC's buffers
 * until {@link #copyPayload} puts it where it belongs. Mutable, so that one object serves all
 * frames of a stream; of one thread.
 */
final class Frame {

  long epoch;
  long step;
  int layer;
  int point; // number of the ExchangePoint
  int rank;
  long offset;
  long total;
  int payloadBytes;

  // Going out.
  MemorySegment payload = MemorySegment.NULL;
  long payloadOffset;

  // Coming in: payload bytes [scratchBegin, scratchEnd) of scratch, then those of rest.
  byte[] scratch = EMPTY;
  int scratchBegin;
  int scratchEnd;
  @Nullable InputStream rest;

  private static final byte[] EMPTY = {};
  private static final int MAX_SIGNAL_BYTES = 4096;

  /** Forgets everything. */
  void clear() {
    epoch = 0;
    step = 0;
    layer = 0;
    point = 0;
    rank = 0;
    offset = 0;
    total = 0;
    payloadBytes = 0;
    payload = MemorySegment.NULL;
    payloadOffset = 0;
    scratchBegin = 0;
    scratchEnd = 0;
    rest = null;
  }

  /** Whether this frame carries no part, but a {@link Signal}. */
  boolean isSignal() {
    return total == 0 && step == 0 && layer == 0;
  }

  /** Whether this is the first frame of a stream, which says who dials. */
  boolean isIntroduction() {
    return isSignal() && point == Signal.INTRODUCTION_VALUE;
  }

  /** A frame with a signal; {@code content} is a message of its own, or nothing. */
  static Frame signal(long epoch, int rank, Signal signal, byte[] content) {
    Frame frame = new Frame();
    frame.epoch = epoch;
    frame.rank = rank;
    frame.point = signal.getNumber();
    frame.payload = MemorySegment.ofArray(content);
    frame.payloadBytes = content.length;
    return frame;
  }

  /**
   * Of an incoming signal: its content.
   *
   * @throws IOException if it is longer than any signal
   */
  byte[] content() throws IOException {
    if (payloadBytes > MAX_SIGNAL_BYTES) {
      throw new IOException("a signal of " + payloadBytes + " bytes");
    }
    byte[] content = new byte[payloadBytes];
    copyPayload(MemorySegment.ofArray(content), 0);
    return content;
  }

  /** Of an incoming frame: moves the payload to {@code target}. Once only. */
  void copyPayload(MemorySegment target, long at) throws IOException {
    int inScratch = scratchEnd - scratchBegin;
    MemorySegment.copy(scratch, scratchBegin, target, ValueLayout.JAVA_BYTE, at, inScratch);
    int done = inScratch;
    InputStream more = rest;
    while (done < payloadBytes) {
      int wanted = Math.min(scratch.length, payloadBytes - done);
      int read = more == null ? -1 : more.read(scratch, 0, wanted);
      if (read < 0) {
        throw new EOFException(
            "frame ends after " + done + " of " + payloadBytes + " bytes of its payload");
      }
      MemorySegment.copy(scratch, 0, target, ValueLayout.JAVA_BYTE, at + done, read);
      done += read;
    }
  }

  /** For messages. */
  String describe() {
    return describe(step, layer, point, offset, total);
  }

  static String describe(long step, int layer, int point, long offset, long total) {
    return "step %d layer %d %s byte %d of %d"
        .formatted(step, layer, ExchangePoint.nameOf(point), offset, total);
  }
}
