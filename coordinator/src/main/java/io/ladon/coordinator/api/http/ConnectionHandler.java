package io.ladon.coordinator.api.http;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a connection's pipeline: answers its requests one after the other. While one is being
 * answered the connection is still read, since that is how a client's leaving is noticed; only when
 * a client has sent a further request meanwhile, reading stops until that one's turn.
 */
final class ConnectionHandler extends ChannelInboundHandlerAdapter {
  private static final Logger log = LoggerFactory.getLogger(ConnectionHandler.class);

  private final Router router;
  private final Executor handlers;
  private final ConnectionTimeouts timeouts;
  private final HttpObserver observer;
  private final ArrayDeque<Object> waiting = new ArrayDeque<>();
  private @Nullable HttpCall current;

  ConnectionHandler(
      Router router, Executor handlers, ConnectionTimeouts timeouts, HttpObserver observer) {
    this.router = router;
    this.handlers = handlers;
    this.timeouts = timeouts;
    this.observer = observer;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (current == null) {
      begin(ctx, message);
    } else {
      waiting.add(message);
      ctx.channel().config().setAutoRead(false);
    }
  }

  private void begin(ChannelHandlerContext ctx, Object message) {
    RequestHead head;
    byte[] body;
    if (message instanceof FullHttpRequest request) {
      head = RequestHead.of(request, null);
      body = ByteBufUtil.getBytes(request.content());
      request.release();
    } else if (message instanceof RequestAggregator.Refused refused) {
      head = RequestHead.of(refused.request(), refused.error());
      body = new byte[0];
    } else {
      ReferenceCountUtil.release(message);
      throw new IllegalStateException("unexpected message " + message.getClass());
    }
    timeouts.answering();
    HttpCall call = new HttpCall(ctx.channel(), head, body, () -> answered(ctx), observer);
    current = call;
    try {
      handlers.execute(() -> router.dispatch(call));
    } catch (RejectedExecutionException e) {
      log.debug("closing {}: the server is closing", ctx.channel(), e);
      var _ = ctx.close();
    }
  }

  private void answered(ChannelHandlerContext ctx) {
    current = null;
    Object next = waiting.poll();
    if (next != null) {
      begin(ctx, next);
    } else {
      timeouts.answered();
      ctx.channel().config().setAutoRead(true);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    HttpCall call = current;
    if (call != null) {
      call.clientGone();
    }
    waiting.forEach(ReferenceCountUtil::release);
    waiting.clear();
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException) {
      log.debug("connection {} broke", ctx.channel(), cause);
    } else {
      log.warn("closing connection {}", ctx.channel(), cause);
    }
    var _ = ctx.close();
  }
}
