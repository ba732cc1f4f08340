package io.ladon.coordinator.api.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;

/**
 * An answer as server-sent events (WHATWG HTML, 9.2): each event one {@code data:} line and an
 * empty one. Belongs to the call's owner thread. Nothing blocks: what a slow client does not take
 * is held back up to {@link HttpLimits#streamBufferBytes()}.
 */
public final class EventStream {
  private static final byte[] PREFIX = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private final Channel channel;
  private final HttpObserver observer;
  private final Consumer<ChannelFuture> completion;
  private boolean ended;

  EventStream(
      Channel channel, boolean chunked, HttpObserver observer, Consumer<ChannelFuture> completion) {
    this.channel = channel;
    this.observer = observer;
    this.completion = completion;
    HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers()
        .set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8")
        .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_CACHE)
        // Asks nginx not to collect the events before it passes them on.
        .set("X-Accel-Buffering", "no");
    if (chunked) {
      head.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
    }
    var _ = channel.write(head);
  }

  /**
   * Whether the client has left a whole buffer unread. The stream is then worth nothing more: see
   * {@link #abandon()}.
   */
  public boolean isFull() {
    return !channel.isWritable();
  }

  /** Sends one event. */
  public void send(JsonNode json) {
    write(Json.bytes(json));
  }

  /** Sends the event that OpenAI's streams end with. */
  public void sendDone() {
    write(DONE);
  }

  private void write(byte[] data) {
    if (ended) {
      throw new IllegalStateException("the stream has ended");
    }
    ByteBuf event = channel.alloc().buffer(PREFIX.length + data.length + 2);
    event.writeBytes(PREFIX).writeBytes(data).writeByte('\n').writeByte('\n');
    var _ = channel.writeAndFlush(new DefaultHttpContent(event));
  }

  /** Ends the answer. */
  public void end() {
    if (!ended) {
      ended = true;
      completion.accept(channel.writeAndFlush(new DefaultLastHttpContent()));
    }
  }

  /** Gives the client up: the connection closes with the answer incomplete. */
  public void abandon() {
    ended = true;
    observer.slowReader();
    var _ = channel.close();
  }
}
