package io.ladon.coordinator.api.http;

import io.ladon.coordinator.generate.ErrorCode;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One request and the one answer to it. The request may be read from any thread; the answer may be
 * given from any thread, once: what comes after the first answer is dropped.
 */
public final class HttpCall {
  private static final int CLIENT_GONE = ErrorCode.CANCELLED.httpStatus();

  private final Channel channel;
  private final RequestHead request;
  private final byte[] body;
  private final Runnable whenAnswered;
  private final HttpObserver observer;
  private final long startNanos = System.nanoTime();
  private final AtomicBoolean answered = new AtomicBoolean();

  private volatile String route = "unmatched";
  // The rest belongs to the event loop.
  private int status = CLIENT_GONE;
  private boolean gone;
  private boolean observed;
  private @Nullable Runnable whenGone;

  HttpCall(
      Channel channel,
      RequestHead request,
      byte[] body,
      Runnable whenAnswered,
      HttpObserver observer) {
    this.channel = channel;
    this.request = request;
    this.body = body;
    this.whenAnswered = whenAnswered;
    this.observer = observer;
  }

  /** What is wrong with the request below the level of any handler. */
  @Nullable ApiException refusal() {
    return request.refusal();
  }

  void matched(String pattern) {
    this.route = pattern;
  }

  /** Upper-case HTTP method. */
  public String method() {
    return request.method();
  }

  /** Decoded path, without the query. */
  public String path() {
    return request.path();
  }

  /** The part of the path that a pattern's {@code *} stands for. */
  public String pathRest() {
    String pattern = route;
    return pattern.endsWith("*") ? path().substring(pattern.length() - 1) : "";
  }

  /** Decoded query parameters. */
  public Map<String, List<String>> query() {
    return request.query();
  }

  /** First value of a header, whatever the case of its name. */
  public @Nullable String header(String name) {
    return request.headers().get(name);
  }

  /** The whole body. */
  public byte[] body() {
    return body;
  }

  /** The thread that owns this call's connection: tasks run one after the other. */
  public Executor owner() {
    return channel.eventLoop();
  }

  /** Runs a task on the owner later, unless the connection's loop has ended by then. */
  public Future<?> schedule(Runnable task, Duration delay) {
    return channel.eventLoop().schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** On the owner: whether the client went away. */
  public boolean isGone() {
    return gone || !channel.isActive();
  }

  /**
   * On the owner: what to do when the client goes away before the answer is complete. It runs at
   * once if that has happened.
   */
  public void whenGone(Runnable action) {
    if (isGone()) {
      action.run();
    } else {
      whenGone = action;
    }
  }

  /** Answers with JSON. */
  public void respond(int code, JsonNode json) {
    respond(code, "application/json", Json.bytes(json), Map.of());
  }

  /** Answers with an error. */
  public void fail(ApiException error) {
    respond(error.status(), "application/json", Json.bytes(error.body()), error.headers());
  }

  /** Answers with these bytes. */
  public void respond(int code, String contentType, byte[] content, Map<String, String> headers) {
    if (!answered.compareAndSet(false, true)) {
      return;
    }
    FullHttpResponse response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1,
            HttpResponseStatus.valueOf(code),
            Unpooled.wrappedBuffer(content));
    HttpHeaders out = response.headers();
    out.set(HttpHeaderNames.CONTENT_TYPE, contentType);
    out.set(HttpHeaderNames.CONTENT_LENGTH, content.length);
    headers.forEach(out::set);
    if (request.mustClose()) {
      out.set(HttpHeaderNames.CONNECTION, "close");
    }
    onOwner(
        () -> {
          status = code;
          completeWith(channel.writeAndFlush(response));
        });
  }

  /** On the owner: begins an answer of server-sent events. */
  public EventStream openStream() {
    if (!answered.compareAndSet(false, true)) {
      throw new IllegalStateException("already answered");
    }
    status = HttpResponseStatus.OK.code();
    return new EventStream(channel, request.chunked(), observer, this::completeWith);
  }

  private void completeWith(ChannelFuture lastWrite) {
    lastWrite.addListener(
        done -> {
          if (done.isSuccess()) {
            whenGone = null;
            observe();
            whenAnswered.run();
          } else {
            var _ = channel.close(); // which tells of the client's going
          }
        });
  }

  /** On the owner. */
  void clientGone() {
    gone = true;
    Runnable action = whenGone;
    whenGone = null;
    if (action != null) {
      action.run();
    }
    observe();
  }

  private void observe() {
    if (!observed) {
      observed = true;
      observer.finished(
          route, method(), gone ? CLIENT_GONE : status, System.nanoTime() - startNanos);
    }
  }

  private void onOwner(Runnable task) {
    if (channel.eventLoop().inEventLoop()) {
      task.run();
    } else {
      channel.eventLoop().execute(task);
    }
  }
}
