package io.ladon.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TransportTest {

  @ParameterizedTest
  @EnumSource
  void theSystemTakesWhatIsSaid(Transport transport) throws Exception {
    theSystemTakes(transport.betweenNodes(), transport);
  }

  @Test
  void theSystemTakesRenoInPlaceOfBbr() throws Exception {
    Map<ChannelOption<Integer>, Integer> options = Transport.options("bbr\n", false);
    assertThat(options).hasSize(1);
    assumeThat(Epoll.isAvailable()).isTrue();
    theSystemTakes(options, Transport.EPOLL);
  }

  @Test
  void anyOtherCongestionControlIsLeft() {
    assertThat(Transport.options("cubic\n", false)).isEmpty();
    assertThat(Transport.options("", false)).isEmpty();
  }

  private static void theSystemTakes(
      Map<ChannelOption<Integer>, Integer> options, Transport transport) throws Exception {
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, transport.newHandler());
    try {
      Channel server =
          new ServerBootstrap()
              .group(group)
              .channel(transport.serverChannelType())
              .childHandler(new ChannelInboundHandlerAdapter())
              .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .sync()
              .channel();
      Channel client =
          new Bootstrap()
              .group(group)
              .channel(transport.channelType())
              .handler(new ChannelInboundHandlerAdapter())
              .connect(server.localAddress())
              .sync()
              .channel();
      options.forEach(
          (option, value) -> {
            assertThat(client.config().setOption(option, value)).as("%s", option).isTrue();
            assertThat(client.config().getOption(option)).as("%s", option).isEqualTo(value);
          });
    } finally {
      group.shutdownGracefully().sync();
    }
  }
}
