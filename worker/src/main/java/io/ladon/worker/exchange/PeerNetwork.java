package io.ladon.worker.exchange;

import io.grpc.Attributes;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.ladon.proto.PeerGrpc;
import io.ladon.worker.loop.RankLoop;
import io.netty.channel.ChannelOption;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A worker's door to its peers: the Peer service on its own port, and channels to theirs, all on
 * the rank's loop.
 */
public final class PeerNetwork implements AutoCloseable {

  /** A part and the frames' overhead; more than this in flight does not make a link faster. */
  private static final int MAX_WINDOW_BYTES = 64 << 20;

  private static final int MIN_WINDOW_BYTES = 2 << 20;

  private static final int MAX_FRAME_BYTES = Peer.FRAME_BYTES + FrameCodec.MAX_HEADER_BYTES;

  private final RankLoop loop;
  private final InetSocketAddress bind;
  private final ExchangeMode mode;
  private final SharedMemory sharedMemory;
  private final MethodDescriptor<Frame, Frame> method = new FrameMarshaller().method();
  private final Server server;
  private final Map<Long, PeerMesh> meshes = new HashMap<>(); // by epoch; of the loop

  /**
   * @param bind address to listen on; port 0 for a free one
   * @param mode how parts travel to ranks of this machine
   */
  public PeerNetwork(RankLoop loop, InetSocketAddress bind, ExchangeMode mode) {
    this(loop, bind, mode, SharedMemory.ofMachine());
  }

  /** The same with shared memory of another place, for tests. */
  PeerNetwork(RankLoop loop, InetSocketAddress bind, ExchangeMode mode, SharedMemory sharedMemory) {
    this.loop = loop;
    this.bind = bind;
    this.mode = mode;
    this.sharedMemory = sharedMemory;
    ServerServiceDefinition service =
        ServerServiceDefinition.builder(PeerGrpc.SERVICE_NAME)
            .addMethod(method, (call, headers) -> new ServerLink(this, call))
            .build();
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(bind)
            .channelType(loop.transport().serverChannelType())
            .bossEventLoopGroup(loop.acceptors())
            .workerEventLoopGroup(loop.eventLoop())
            .directExecutor()
            .withChildOption(ChannelOption.TCP_NODELAY, true)
            .flowControlWindow(MAX_WINDOW_BYTES) // listens before any plan says how large parts are
            .maxInboundMessageSize(MAX_FRAME_BYTES)
            .addService(service);
    loop.transport().betweenNodes().forEach(builder::withChildOption);
    this.server = builder.build();
  }

  /** Listens. */
  public void start() throws IOException {
    server.start();
  }

  /** The port that is listened on. */
  public int port() {
    return server.getPort();
  }

  /** The place of this worker in an epoch; from now on lower ranks are let in. On the loop. */
  public PeerMesh join(long epoch, int rank, int ranks) {
    PeerMesh mesh = new PeerMesh(loop, this, epoch, rank, ranks);
    meshes.put(epoch, mesh);
    return mesh;
  }

  void forget(PeerMesh mesh) {
    meshes.remove(mesh.epoch(), mesh);
  }

  @Nullable PeerMesh mesh(long epoch) {
    return meshes.get(epoch);
  }

  ExchangeMode mode() {
    return mode;
  }

  SharedMemory sharedMemory() {
    return sharedMemory;
  }

  MethodDescriptor<Frame, Frame> method() {
    return method;
  }

  ManagedChannel dial(String address, int windowBytes) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget("dns:///" + address)
            .channelType(loop.transport().channelType())
            .eventLoopGroup(loop.eventLoop())
            .directExecutor()
            .usePlaintext()
            .disableRetry()
            .proxyDetector(target -> null) // peers are reached directly
            .localSocketPicker(
                new NettyChannelBuilder.LocalSocketPicker() {
                  @Override
                  public @Nullable SocketAddress createSocketAddress(
                      SocketAddress peer, Attributes attributes) {
                    return source(bind, peer);
                  }
                })
            .withOption(ChannelOption.TCP_NODELAY, true)
            .flowControlWindow(windowBytes)
            .maxInboundMessageSize(MAX_FRAME_BYTES);
    loop.transport().betweenNodes().forEach(builder::withOption);
    return builder.build();
  }

  /**
   * Where a connection to a peer comes from: the address that this worker is bound to, so that a
   * machine with several networks uses one in both directions.
   *
   * @return null for what the system takes: where the worker is bound to any address, or to one
   *     from which the peer's cannot be reached
   */
  static @Nullable SocketAddress source(InetSocketAddress bind, SocketAddress peer) {
    InetAddress own = bind.getAddress();
    if (!(peer instanceof InetSocketAddress to) || to.getAddress() == null || own == null) {
      return null;
    }
    InetAddress other = to.getAddress();
    boolean reachable =
        own.getClass() == other.getClass() && own.isLoopbackAddress() == other.isLoopbackAddress();
    return reachable && !own.isAnyLocalAddress() ? new InetSocketAddress(own, 0) : null;
  }

  /** Flow control that lets a whole part travel while its receiver still computes. */
  static int windowBytes(long largestPart) {
    return Math.clamp(largestPart + (largestPart >> 6), MIN_WINDOW_BYTES, MAX_WINDOW_BYTES);
  }

  static String describe(Status status) {
    String description = status.getDescription();
    Throwable cause = status.getCause();
    return "is lost: %s%s%s"
        .formatted(
            status.getCode(),
            description == null ? "" : ": " + description,
            cause == null ? "" : " (" + cause.getMessage() + ")");
  }

  /** Stops listening; what is still open ends with the loop. Waits a bounded time. */
  @Override
  public void close() {
    server.shutdownNow();
    if (!loop.inLoop()) {
      try {
        server.awaitTermination(5, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
