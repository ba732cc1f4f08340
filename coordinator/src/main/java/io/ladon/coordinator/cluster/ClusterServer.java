package io.ladon.coordinator.cluster;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** The gRPC server for workers, on the loop's own thread. */
public final class ClusterServer implements AutoCloseable {

  private static final int KEEP_ALIVE_SECONDS = 5;
  private static final int CLOSE_SECONDS = 2;

  private final Server server;

  /**
   * @param group of the one event loop that is also the cluster's loop
   * @param largestMessage bytes of the largest message that a worker may send
   */
  public ClusterServer(
      InetSocketAddress address,
      EventLoopGroup group,
      BindableService service,
      int largestMessage) {
    this.server =
        NettyServerBuilder.forAddress(address)
            .channelType(NioServerSocketChannel.class)
            .bossEventLoopGroup(group)
            .workerEventLoopGroup(group)
            .directExecutor()
            .maxInboundMessageSize(largestMessage)
            .flowControlWindow(Math.max(1 << 20, largestMessage))
            // A machine that vanishes closes no connection.
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .permitKeepAliveTime(1, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addService(service)
            .build();
  }

  /**
   * Listens.
   *
   * @throws IOException if the address cannot be had; the message names it
   */
  public void start() throws IOException {
    server.start();
  }

  /** The port that is listened on. */
  public int port() {
    return server.getPort();
  }

  /** Ends all calls. Idempotent. */
  @Override
  public void close() {
    server.shutdown();
    try {
      if (!server.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        server.shutdownNow();
        server.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
