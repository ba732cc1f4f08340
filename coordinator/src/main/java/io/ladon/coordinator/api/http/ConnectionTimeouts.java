package io.ladon.coordinator.api.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.handler.timeout.IdleState;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes a connection whose client keeps us waiting: without a request, in the middle of one, or
 * without taking its answer. Sits before the HTTP codec, so that it sees the first byte of a
 * request and not only the last. While a request is being answered only the last of these counts;
 * how long an answer may take is for its handler to say.
 */
final class ConnectionTimeouts extends ChannelInboundHandlerAdapter {
  private enum Phase {
    IDLE,
    RECEIVING,
    ANSWERING
  }

  private final Duration receiveTimeout;
  private final Duration idleTimeout;
  private Phase phase = Phase.IDLE;
  private @Nullable ChannelHandlerContext context;
  private @Nullable Future<?> timer;

  ConnectionTimeouts(Duration receiveTimeout, Duration idleTimeout) {
    this.receiveTimeout = receiveTimeout;
    this.idleTimeout = idleTimeout;
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    context = ctx;
    enter(Phase.IDLE, idleTimeout);
    ctx.fireChannelActive();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object bytes) {
    if (phase == Phase.IDLE) {
      enter(Phase.RECEIVING, receiveTimeout);
    }
    ctx.fireChannelRead(bytes);
  }

  /** The request is complete. */
  void answering() {
    enter(Phase.ANSWERING, null);
  }

  /** The answer is complete. */
  void answered() {
    enter(Phase.IDLE, idleTimeout);
  }

  private void enter(Phase next, @Nullable Duration limit) {
    phase = next;
    Future<?> running = timer;
    if (running != null) {
      running.cancel(false);
      timer = null;
    }
    ChannelHandlerContext ctx = context;
    if (limit != null && ctx != null) {
      timer = ctx.executor().schedule(() -> close(ctx), limit.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private static void close(ChannelHandlerContext ctx) {
    var _ = ctx.close();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof IdleStateEvent idle && idle.state() == IdleState.WRITER_IDLE) {
      ChannelOutboundBuffer pending = ctx.channel().unsafe().outboundBuffer();
      if (pending != null && pending.totalPendingWriteBytes() > 0) {
        close(ctx);
      }
      return;
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    enter(Phase.ANSWERING, null);
    ctx.fireChannelInactive();
  }
}
