package io.ladon.coordinator.cluster;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.ladon.net.Transport;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The gRPC server for workers, on the loop's own thread. */
public final class ClusterServer implements AutoCloseable {

  private static final int CLOSE_SECONDS = 2;

  private final Server server;

  /**
   * @param transport of the group
   * @param group of the one event loop that is also the cluster's loop
   * @param largestMessage bytes of the largest message that a worker may send
   * @param silence that ends a membership
   */
  public ClusterServer(
      InetSocketAddress address,
      Transport transport,
      EventLoopGroup group,
      BindableService service,
      int largestMessage,
      Duration silence) {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(address)
            .channelType(transport.serverChannelType())
            .bossEventLoopGroup(group)
            .workerEventLoopGroup(group)
            .directExecutor()
            .maxInboundMessageSize(largestMessage)
            .flowControlWindow(Math.max(1 << 20, largestMessage))
            // A machine that vanishes closes no connection; silence ends its membership earlier.
            .keepAliveTime(silence.toNanos(), TimeUnit.NANOSECONDS)
            .keepAliveTimeout(silence.toNanos(), TimeUnit.NANOSECONDS)
            .permitKeepAliveTime(1, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .addService(service);
    transport.betweenNodes().forEach(builder::withChildOption);
    this.server = builder.build();
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
