package io.ladon.worker.loop;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.lang.module.ModuleDescriptor.Version;
import org.jspecify.annotations.Nullable;

/** The system calls under a loop: epoll where the native library loads, NIO elsewhere. */
public enum Transport {
  EPOLL(EpollSocketChannel.class, EpollServerSocketChannel.class),
  NIO(NioSocketChannel.class, NioServerSocketChannel.class);

  /** {@code TCP_RTO_MAX_MS} at level {@code IPPROTO_TCP}, of {@code linux/tcp.h}. */
  private static final ChannelOption<Integer> LONGEST_RESEND_MILLIS =
      new IntegerUnixChannelOption("TCP_RTO_MAX_MS", 6, 44);

  /** Linux has that option from 6.15 on. */
  private static final boolean BOUNDS_RESENDS =
      Version.parse(System.getProperty("os.version").replaceFirst("^(\\d+\\.\\d+).*", "$1"))
              .compareTo(Version.parse("6.15"))
          >= 0;

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
   * Longest pause before a lost packet is sent again, in milliseconds, 1000 at least: TCP waits
   * twice as long after each loss in a row, up to two minutes, and ranks wait for every packet.
   *
   * @return null where there is no such option
   */
  public @Nullable ChannelOption<Integer> longestResend() {
    return this == EPOLL && BOUNDS_RESENDS ? LONGEST_RESEND_MILLIS : null;
  }

  IoHandlerFactory newHandler() {
    return this == EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
  }
}
