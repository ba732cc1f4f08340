package io.ladon.worker.exchange;

import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.ladon.proto.PeerGrpc;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Moves frames between gRPC and native memory. One for each rank's loop: its buffers and the frame
 * that {@link #parse} returns are used again for the next one, so all streams must live on that
 * loop.
 */
final class FrameMarshaller implements MethodDescriptor.Marshaller<Frame> {

  /** Bytes copied at a time between native memory and gRPC's buffers. */
  private static final int SCRATCH_BYTES = 64 * 1024;

  private final byte[] inScratch = new byte[SCRATCH_BYTES];
  private final byte[] outScratch = new byte[SCRATCH_BYTES];
  private final FrameStream outgoing = new FrameStream(outScratch);
  private final Frame incoming = new Frame();

  /** The method {@code Peer.Exchange}, with frames instead of protobuf objects. */
  MethodDescriptor<Frame, Frame> method() {
    return PeerGrpc.getExchangeMethod().toBuilder(this, this).setSchemaDescriptor(null).build();
  }

  @Override
  public InputStream stream(Frame frame) {
    if (frame.isIntroduction()) {
      return new FrameStream(outScratch).of(frame); // gRPC keeps it until it is connected
    }
    return outgoing.of(frame);
  }

  /** The frame is valid until the next is parsed, and its payload while gRPC delivers it. */
  @Override
  public Frame parse(InputStream stream) {
    try {
      FrameCodec.read(stream, inScratch, incoming);
      return incoming;
    } catch (IOException e) {
      throw Status.INTERNAL.withDescription(e.getMessage()).withCause(e).asRuntimeException();
    }
  }

  /** gRPC asks for the length and then has everything written to its buffers in one go. */
  private static final class FrameStream extends InputStream implements KnownLength, Drainable {

    private final byte[] scratch;
    private final byte[] header = new byte[FrameCodec.MAX_HEADER_BYTES];
    private MemorySegment payload = MemorySegment.NULL;
    private long payloadOffset;
    private int headerBytes;
    private int end;
    private int at;

    FrameStream(byte[] scratch) {
      this.scratch = scratch;
    }

    FrameStream of(Frame frame) {
      headerBytes = FrameCodec.writeHeader(frame, header);
      payload = frame.payload;
      payloadOffset = frame.payloadOffset;
      end = headerBytes + frame.payloadBytes;
      at = 0;
      return this;
    }

    @Override
    public int available() {
      return end - at;
    }

    @Override
    public int drainTo(OutputStream out) throws IOException {
      int before = at;
      while (at < end) {
        int count = read(scratch, 0, scratch.length);
        out.write(scratch, 0, count);
      }
      return at - before;
    }

    /** Header and payload in one, so that a small frame is one write. */
    @Override
    public int read(byte[] to, int offset, int length) {
      int count = Math.min(length, end - at);
      if (count == 0) {
        return length == 0 ? 0 : -1;
      }
      int fromHeader = Math.clamp(headerBytes - at, 0, count);
      System.arraycopy(header, Math.min(at, headerBytes), to, offset, fromHeader);
      if (count > fromHeader) {
        MemorySegment.copy(
            payload,
            ValueLayout.JAVA_BYTE,
            payloadOffset + at + fromHeader - headerBytes,
            to,
            offset + fromHeader,
            count - fromHeader);
      }
      at += count;
      return count;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
    }
  }
}
