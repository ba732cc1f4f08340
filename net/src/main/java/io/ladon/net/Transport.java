package io.ladon.net;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.io.IOException;
import java.lang.module.ModuleDescriptor.Version;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The system calls under a loop: epoll where the native library loads, NIO elsewhere. */
public enum Transport {
  EPOLL(
      EpollSocketChannel.class,
      EpollServerSocketChannel.class,
      EpollDomainSocketChannel.class,
      EpollServerDomainSocketChannel.class),
  NIO(NioSocketChannel.class, NioServerSocketChannel.class, null, null);

  private static final int IPPROTO_TCP = 6;

  /** Milliseconds, 1000 at least. */
  private static final ChannelOption<Integer> RTO_MAX_MILLIS = tcp("TCP_RTO_MAX_MS", 44);

  private static final ChannelOption<Integer> RTO_MIN_MICROS = tcp("TCP_RTO_MIN_US", 45);

  private static final ChannelOption<Integer> ACK_DELAY_MICROS = tcp("TCP_DELACK_MAX_US", 46);

  /** Whether the first resends of a stream with little in flight come at equal distances. */
  private static final ChannelOption<Integer> THIN_LINEAR = tcp("TCP_THIN_LINEAR_TIMEOUTS", 16);

  /** A name as text; one of four characters fits an int, as its bytes lie in memory. */
  private static final ChannelOption<Integer> CONGESTION = tcp("TCP_CONGESTION", 13);

  private static final int RENO =
      ByteBuffer.wrap("reno".getBytes(StandardCharsets.US_ASCII))
          .order(ByteOrder.nativeOrder())
          .getInt();

  private static final Path SYSTEM_CONGESTION =
      Path.of("/proc/sys/net/ipv4/tcp_congestion_control");

  /** Linux has these options from 6.15 on. */
  private static final boolean BOUNDS_RESENDS =
      Version.parse(System.getProperty("os.version").replaceFirst("^(\\d+\\.\\d+).*", "$1"))
              .compareTo(Version.parse("6.15"))
          >= 0;

  /** About what Linux takes by itself where the wait between resends is not bounded. */
  private static final Duration GIVE_UP = Duration.ofMinutes(15);

  private final Class<? extends Channel> channelType;
  private final Class<? extends ServerChannel> serverChannelType;
  private final @Nullable Class<? extends Channel> localChannelType;
  private final @Nullable Class<? extends ServerChannel> localServerChannelType;

  /** Channels between processes of one machine, whose addresses are names in Linux's memory. */
  public record LocalChannels(
      Class<? extends Channel> channelType, Class<? extends ServerChannel> serverChannelType) {

    /**
     * Listens.
     *
     * @param accepted gets every channel that comes, to give it its handlers
     */
    public ChannelFuture listen(EventLoopGroup group, String name, Consumer<Channel> accepted) {
      return new ServerBootstrap()
          .group(group)
          .channel(serverChannelType)
          .childHandler(
              new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel channel) {
                  accepted.accept(channel);
                }
              })
          .bind(LocalSocket.address(name));
    }

    /** Connects; fails at once where nobody listens. */
    public ChannelFuture connect(
        EventLoopGroup group, String name, LocalSocket<?> socket, Duration limit) {
      return new Bootstrap()
          .group(group)
          .channel(channelType)
          .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) limit.toMillis())
          .handler(socket)
          .connect(LocalSocket.address(name));
    }
  }

  Transport(
      Class<? extends Channel> channelType,
      Class<? extends ServerChannel> serverChannelType,
      @Nullable Class<? extends Channel> localChannelType,
      @Nullable Class<? extends ServerChannel> localServerChannelType) {
    this.channelType = channelType;
    this.serverChannelType = serverChannelType;
    this.localChannelType = localChannelType;
    this.localServerChannelType = localServerChannelType;
  }

  /** The fastest that works here. */
  public static Transport best() {
    return Epoll.isAvailable() ? EPOLL : NIO;
  }

  public Class<? extends Channel> channelType() {
    return channelType;
  }

  public Class<? extends ServerChannel> serverChannelType() {
    return serverChannelType;
  }

  /** Null where there are none. */
  public @Nullable LocalChannels localChannels() {
    return localChannelType == null || localServerChannelType == null
        ? null
        : new LocalChannels(localChannelType, localServerChannelType);
  }

  /**
   * What to set a socket between nodes to, which wait for every packet. TCP waits 200 ms before it
   * sends a packet again, and twice as long after each loss in a row, up to two minutes; so it
   * waits 40 ms at first, about as long again for some times where little is in flight, and never
   * longer than a second. Acknowledgements come within 20 ms, before any of that. After 15 resends
   * it would give the connection up, so that has its own bound: how long a peer may be out of reach
   * is for heartbeats and the exchange's timeout to say.
   *
   * <p>Where the system's congestion control is BBR, these sockets have Reno, which every Linux
   * lets every process choose. BBR sends no faster than it has measured, and takes the few packets
   * between two losses for all that the network can do: it may go on at some kilobytes a second
   * after the losses are over, a step of which takes minutes.
   *
   * @return nothing where the system has no such options
   */
  public Map<ChannelOption<Integer>, Integer> betweenNodes() {
    return this == EPOLL ? options(systemCongestion(), BOUNDS_RESENDS) : Map.of();
  }

  static Map<ChannelOption<Integer>, Integer> options(String congestion, boolean boundsResends) {
    Map<ChannelOption<Integer>, Integer> options = new HashMap<>();
    if (congestion.startsWith("bbr")) {
      options.put(CONGESTION, RENO);
    }
    if (boundsResends) {
      options.put(RTO_MIN_MICROS, 40_000);
      options.put(RTO_MAX_MILLIS, 1000);
      options.put(THIN_LINEAR, 1);
      options.put(ACK_DELAY_MICROS, 20_000);
      options.put(EpollChannelOption.TCP_USER_TIMEOUT, (int) GIVE_UP.toMillis());
    }
    return options;
  }

  /** Empty where the system does not say. */
  private static String systemCongestion() {
    try {
      return Files.readString(SYSTEM_CONGESTION);
    } catch (IOException e) {
      return "";
    }
  }

  /** For a loop of such channels. */
  public IoHandlerFactory newHandler() {
    return this == EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
  }

  private static ChannelOption<Integer> tcp(String name, int number) {
    return new IntegerUnixChannelOption(name, IPPROTO_TCP, number);
  }
}
