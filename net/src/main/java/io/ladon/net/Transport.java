package io.ladon.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.lang.module.ModuleDescriptor.Version;
import java.time.Duration;
import java.util.Map;

/** The system calls under a loop: epoll where the native library loads, NIO elsewhere. */
public enum Transport {
  EPOLL(EpollSocketChannel.class, EpollServerSocketChannel.class),
  NIO(NioSocketChannel.class, NioServerSocketChannel.class);

  /** {@code TCP_RTO_MAX_MS}, in milliseconds, 1000 at least. */
  private static final ChannelOption<Integer> RTO_MAX_MILLIS =
      new IntegerUnixChannelOption("TCP_RTO_MAX_MS", 6, 44);

  /** Linux has that option from 6.15 on. */
  private static final boolean HAS_RTO_MAX =
      Version.parse(System.getProperty("os.version").replaceFirst("^(\\d+\\.\\d+).*", "$1"))
              .compareTo(Version.parse("6.15"))
          >= 0;

  /** About what Linux takes by itself where the wait between resends is not bounded. */
  private static final Duration GIVE_UP = Duration.ofMinutes(15);

  private final Class<? extends Channel> channelType;
  private final Class<? extends ServerChannel> serverChannelType;

  Transport(
      Class<? extends Channel> channelType, Class<? extends ServerChannel> serverChannelType) {
    this.channelType = channelType;
    this.serverChannelType = serverChannelType;
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

  /**
   * What to set a socket between nodes to, which wait for every packet. TCP waits twice as long
   * after each loss in a row, up to two minutes; so it never waits longer than a second. It would
   * then give a connection up after 15 such seconds, so that has its own bound: how long a peer may
   * be out of reach is the exchange's timeout.
   *
   * @return nothing where the system has no such options
   */
  public Map<ChannelOption<Integer>, Integer> resends() {
    return this == EPOLL && HAS_RTO_MAX
        ? Map.of(
            RTO_MAX_MILLIS, 1000, EpollChannelOption.TCP_USER_TIMEOUT, (int) GIVE_UP.toMillis())
        : Map.of();
  }

  /** For a loop of such channels. */
  public IoHandlerFactory newHandler() {
    return this == EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
  }
}
