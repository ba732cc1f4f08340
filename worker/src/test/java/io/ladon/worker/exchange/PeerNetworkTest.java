package io.ladon.worker.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeerNetworkTest {

  @ParameterizedTest
  @CsvSource({
    "10.1.2.3, 10.7.7.7, 10.1.2.3",
    "127.0.1.1, 127.0.2.2, 127.0.1.1",
    "fd00::1, fd00::2, fd00::1",
    "0.0.0.0, 10.7.7.7, ",
    "::, fd00::2, ",
    "127.0.0.1, 10.7.7.7, ", // behind a forwarder, say
    "10.1.2.3, 127.0.0.1, ",
    "10.1.2.3, fd00::2, "
  })
  void dialsFromTheAddressThatItIsBoundTo(String bind, String peer, String source)
      throws Exception {
    InetSocketAddress from = source == null ? null : address(source, 0);
    assertThat(PeerNetwork.source(address(bind, 7701), address(peer, 7702))).isEqualTo(from);
  }

  @Test
  void anAddressOfAnotherKindIsLeftToTheSystem() throws Exception {
    assertThat(
            PeerNetwork.source(address("10.1.2.3", 7701), UnixDomainSocketAddress.of("/tmp/peer")))
        .isNull();
  }

  private static InetSocketAddress address(String host, int port) throws Exception {
    return new InetSocketAddress(InetAddress.getAllByName(host)[0], port);
  }
}
