package io.ladon.coordinator.api.http;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;
import io.netty.handler.codec.http.cors.CorsConfig;
import io.netty.handler.codec.http.cors.CorsConfigBuilder;
import io.netty.handler.codec.http.cors.CorsHandler;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** An HTTP/1.1 server on Netty. */
public final class HttpServer implements AutoCloseable {
  private static final int BACKLOG = 128;
  private static final int CLOSE_SECONDS = 5;

  private final InetSocketAddress listen;
  private final HttpLimits limits;
  private final Router router;
  private final HttpObserver observer;
  private final @Nullable CorsConfig cors;
  private final ChannelGroup connections =
      new DefaultChannelGroup("http", GlobalEventExecutor.INSTANCE);

  private @Nullable EventLoopGroup acceptor;
  private @Nullable EventLoopGroup loops;
  private @Nullable ExecutorService handlers;
  private @Nullable Channel server;

  /**
   * @param listen where; port 0 for any free one
   * @param corsOrigins origins whose pages may call; {@code *} for all, empty for none
   */
  public HttpServer(
      InetSocketAddress listen,
      HttpLimits limits,
      List<String> corsOrigins,
      Router router,
      HttpObserver observer) {
    this.listen = listen;
    this.limits = limits;
    this.router = router;
    this.observer = observer;
    this.cors = corsOrigins.isEmpty() ? null : cors(corsOrigins);
  }

  private static CorsConfig cors(List<String> origins) {
    CorsConfigBuilder config =
        origins.contains("*")
            ? CorsConfigBuilder.forAnyOrigin()
            : CorsConfigBuilder.forOrigins(origins.toArray(String[]::new));
    return config
        .allowedRequestMethods(HttpMethod.GET, HttpMethod.POST)
        // '*' does not cover Authorization (Fetch standard).
        .allowedRequestHeaders("*", "Authorization", "Content-Type")
        .exposeHeaders("Retry-After")
        .maxAge(TimeUnit.HOURS.toSeconds(1))
        .build();
  }

  /** Binds and serves. */
  public synchronized void start() throws IOException {
    if (server != null) {
      throw new IllegalStateException("already started");
    }
    acceptor =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("api-accept", true), NioIoHandler.newFactory());
    loops =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("api-io", true), NioIoHandler.newFactory());
    ExecutorService pool =
        Executors.newFixedThreadPool(
            limits.handlerThreads(), new DefaultThreadFactory("api-handler", true));
    handlers = pool;
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(acceptor, loops)
            .channel(NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, BACKLOG)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(
                    limits.streamBufferBytes() / 2, limits.streamBufferBytes()))
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    accept(channel, pool);
                  }
                });
    var bound = bootstrap.bind(listen).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      close();
      throw new IOException("cannot listen on " + listen + ": " + bound.cause().getMessage());
    }
    server = bound.channel();
  }

  private void accept(SocketChannel channel, ExecutorService pool) {
    if (connections.size() >= limits.maxConnections()) {
      var _ = channel.close();
      return;
    }
    connections.add(channel);
    observer.connections(connections.size());
    channel.closeFuture().addListener(closed -> observer.connections(connections.size()));
    ConnectionTimeouts timeouts =
        new ConnectionTimeouts(limits.receiveTimeout(), limits.idleTimeout());
    ChannelPipeline pipeline = channel.pipeline();
    pipeline.addLast(
        new IdleStateHandler(true, 0, limits.writeTimeout().toMillis(), 0, TimeUnit.MILLISECONDS));
    pipeline.addLast(timeouts);
    pipeline.addLast(new HttpServerCodec());
    pipeline.addLast(new HttpServerKeepAliveHandler());
    if (cors != null) {
      pipeline.addLast(new CorsHandler(cors));
    }
    pipeline.addLast(new RequestAggregator(limits.maxBodyBytes()));
    pipeline.addLast(new ConnectionHandler(router, pool, timeouts, observer));
  }

  /** Where it listens, with the port that it got. */
  public synchronized InetSocketAddress address() {
    Channel channel = server;
    if (channel == null) {
      throw new IllegalStateException("not started");
    }
    return (InetSocketAddress) channel.localAddress();
  }

  /** Stops listening and closes every connection. */
  @Override
  public synchronized void close() {
    Channel channel = server;
    if (channel != null) {
      channel.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
    server = null;
    connections.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    if (handlers != null) {
      handlers.shutdownNow();
      handlers = null;
    }
    shutDown(loops);
    loops = null;
    shutDown(acceptor);
    acceptor = null;
  }

  private static void shutDown(@Nullable EventLoopGroup group) {
    if (group != null) {
      group
          .shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
          .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS);
    }
  }
}
