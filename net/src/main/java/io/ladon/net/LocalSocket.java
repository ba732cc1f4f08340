package io.ladon.net;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * One end of a stream of messages between two processes of a machine: each message after its length
 * in four bytes, the highest first. What gRPC does beyond that costs more here than the message
 * itself. Of the channel's event loop.
 *
 * @param <I> messages that come in
 */
public final class LocalSocket<I extends MessageLite> extends LengthFieldBasedFrameDecoder {

  private static final int LENGTH_BYTES = 4;

  private final Parser<I> parser;
  private final Receiver<I> receiver;
  private @Nullable ChannelHandlerContext context; // while connected

  /** Called on the event loop. */
  public interface Receiver<I extends MessageLite> {

    /** There is a connection: from now on messages can be sent. */
    void onOpen(LocalSocket<I> socket);

    /** A message. If this throws, the connection is closed. */
    void onMessage(LocalSocket<I> socket, I message);

    /**
     * The connection is over.
     *
     * @param cause null if one of the ends has closed it
     */
    void onClosed(@Nullable Throwable cause);
  }

  /**
   * @param largestMessage that comes in, in bytes; a larger one ends the connection
   */
  public LocalSocket(int largestMessage, Parser<I> parser, Receiver<I> receiver) {
    super(Math.addExact(largestMessage, LENGTH_BYTES), 0, LENGTH_BYTES, 0, LENGTH_BYTES);
    this.parser = parser;
    this.receiver = receiver;
  }

  /** An address in the abstract namespace: there is no file, and it ends with who listens. */
  static DomainSocketAddress address(String name) {
    return new DomainSocketAddress('\0' + name);
  }

  /** Whether there is a connection. */
  public boolean isOpen() {
    return context != null;
  }

  /** Sends a message; it is dropped where there is no connection. */
  public void send(MessageLite message) {
    ChannelHandlerContext to = context;
    if (to == null) {
      return;
    }
    int bytes = message.getSerializedSize();
    ByteBuf frame = to.alloc().ioBuffer(LENGTH_BYTES + bytes);
    try {
      frame.writeInt(bytes);
      CodedOutputStream out = CodedOutputStream.newInstance(frame.nioBuffer(LENGTH_BYTES, bytes));
      message.writeTo(out);
      out.flush();
      frame.writerIndex(LENGTH_BYTES + bytes);
    } catch (IOException e) {
      frame.release();
      throw new UncheckedIOException(e); // a buffer of the message's own size
    }
    var _ = to.writeAndFlush(frame, to.voidPromise()); // a failure comes to exceptionCaught
  }

  /** Ends the connection. Idempotent. */
  public void close() {
    ChannelHandlerContext open = context;
    if (open != null) {
      var _ = open.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext channel) throws Exception {
    context = channel;
    receiver.onOpen(this);
    super.channelActive(channel);
  }

  @Override
  protected @Nullable Object decode(ChannelHandlerContext channel, ByteBuf in) throws Exception {
    if (context == null) {
      in.skipBytes(in.readableBytes()); // of a connection that has failed
    } else if (super.decode(channel, in) instanceof ByteBuf frame) {
      try {
        receiver.onMessage(this, parse(frame));
      } finally {
        frame.release();
      }
    }
    return null; // nobody comes after this handler
  }

  private I parse(ByteBuf frame) throws InvalidProtocolBufferException {
    return parser.parseFrom(frame.nioBuffer());
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext channel, Throwable cause) {
    over(cause);
    var _ = channel.close();
  }

  @Override
  public void channelInactive(ChannelHandlerContext channel) throws Exception {
    super.channelInactive(channel); // with what is left to be decoded
    over(null);
  }

  private void over(@Nullable Throwable cause) {
    if (context != null) {
      context = null;
      receiver.onClosed(cause);
    }
  }
}
