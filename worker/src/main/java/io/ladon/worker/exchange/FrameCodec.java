package io.ladon.worker.exchange;

import java.io.IOException;
import java.io.InputStream;

/**
 * Protobuf's encoding of {@code ladon.v1.ExchangeFrame} ({@code peer.proto}), written and read by
 * hand: fields in ascending order, zero values left out, the payload last. The same bytes as
 * generated code writes.
 *
 * <p>Format: https://protobuf.dev/programming-guides/encoding/ .
 */
final class FrameCodec {

  /** Seven tags with varints of at most ten bytes, the payload's tag and its length. */
  static final int MAX_HEADER_BYTES = 7 * (1 + 10) + 1 + 5;

  private static final int VARINT = 0;
  private static final int BYTES = 2;

  private FrameCodec() {}

  /**
   * Writes all of a frame but the payload's bytes to the start of {@code out}.
   *
   * @return bytes written
   */
  static int writeHeader(Frame frame, byte[] out) {
    int at = 0;
    at = writeField(1, frame.epoch, out, at);
    at = writeField(2, frame.step, out, at);
    at = writeField(3, frame.layer, out, at); // a negative int32 is sign-extended to ten bytes
    at = writeField(4, frame.point, out, at);
    at = writeField(5, frame.rank, out, at);
    at = writeField(6, frame.offset, out, at);
    at = writeField(7, frame.total, out, at);
    if (frame.payloadBytes > 0) {
      out[at++] = (byte) ((8 << 3) | BYTES);
      at = writeVarint(frame.payloadBytes, out, at);
    }
    return at;
  }

  private static int writeField(int number, long value, byte[] out, int at) {
    if (value == 0) {
      return at;
    }
    out[at] = (byte) ((number << 3) | VARINT);
    return writeVarint(value, out, at + 1);
  }

  private static int writeVarint(long value, byte[] out, int at) {
    long rest = value;
    int end = at;
    while ((rest & ~0x7FL) != 0) {
      out[end++] = (byte) ((rest & 0x7F) | 0x80);
      rest >>>= 7;
    }
    out[end++] = (byte) rest;
    return end;
  }

  /**
   * Reads a frame's fields, and notes where its payload lies: partly in {@code scratch}, the rest
   * still in the stream.
   *
   * @param scratch at least {@link #MAX_HEADER_BYTES} long
   * @throws IOException if the bytes are no frame; the message says which
   */
  static void read(InputStream in, byte[] scratch, Frame frame) throws IOException {
    frame.clear();
    int end = in.readNBytes(scratch, 0, scratch.length);
    int at = 0;
    while (at < end) {
      int tag = scratch[at++] & 0xFF;
      int number = tag >>> 3;
      if ((tag & 7) == BYTES && number == 8) {
        readPayload(in, scratch, at, end, frame);
        return;
      }
      if ((tag & 7) != VARINT || number < 1 || number > 7) {
        throw new IOException("no exchange frame: tag " + tag + " at byte " + (at - 1));
      }
      int last = lastByteOfVarint(scratch, at, end);
      set(frame, number, varint(scratch, at, last));
      at = last + 1;
    }
    if (end == scratch.length && in.read() >= 0) {
      throw new IOException("no exchange frame: no payload in its first " + end + " bytes");
    }
  }

  private static void readPayload(InputStream in, byte[] scratch, int at, int end, Frame frame)
      throws IOException {
    int last = lastByteOfVarint(scratch, at, end);
    long length = varint(scratch, at, last);
    long present = end - last - 1L + in.available();
    if (length != present) {
      throw new IOException(
          "no exchange frame: payload of %d bytes, but %d follow".formatted(length, present));
    }
    frame.payloadBytes = (int) length;
    frame.scratch = scratch;
    frame.scratchBegin = last + 1;
    frame.scratchEnd = end;
    frame.rest = in;
  }

  private static int lastByteOfVarint(byte[] bytes, int at, int end) throws IOException {
    for (int i = at; i < end && i < at + 10; i++) {
      if (bytes[i] >= 0) {
        return i;
      }
    }
    throw new IOException("no exchange frame: number at byte " + at + " does not end");
  }

  private static long varint(byte[] bytes, int first, int last) {
    long value = 0;
    for (int i = last; i >= first; i--) {
      value = (value << 7) | (bytes[i] & 0x7F);
    }
    return value;
  }

  private static void set(Frame frame, int number, long value) {
    switch (number) {
      case 1 -> frame.epoch = value;
      case 2 -> frame.step = value;
      case 3 -> frame.layer = (int) value;
      case 4 -> frame.point = (int) value;
      case 5 -> frame.rank = (int) value;
      case 6 -> frame.offset = value;
      default -> frame.total = value;
    }
  }
}
