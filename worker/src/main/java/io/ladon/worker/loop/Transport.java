package io.ladon.worker.loop;

import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;

/** The system calls under a loop: epoll where the native library loads, NIO elsewhere. */
public enum Transport {
  EPOLL(EpollSocketChannel.class, EpollServerSocketChannel.class),
  NIO(NioSocketChannel.class, NioServerSocketChannel.class);

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

  IoHandlerFactory newHandler() {
    return this == EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
  }
}
