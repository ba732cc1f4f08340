package io.ladon.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.ladon.proxy.TcpProxy.Link;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TcpProxyTest {

  private static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();

  private final ExecutorService executor = Executors.newCachedThreadPool();
  private final ServerSocket echo = open();

  private static ServerSocket open() {
    try {
      return new ServerSocket(0, 8, LOOPBACK);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @BeforeEach
  void answer() {
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (true) {
                  Socket socket = echo.accept();
                  Thread.ofVirtual().start(() -> echo(socket));
                }
              } catch (IOException e) {
                // The test is over.
              }
            });
  }

  private static void echo(Socket socket) {
    try {
      socket.getInputStream().transferTo(socket.getOutputStream());
      socket.shutdownOutput();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @AfterEach
  void close() throws Exception {
    echo.close();
    executor.shutdownNow();
  }

  /** Sends bytes through the proxy and back, and gives the milliseconds that took. */
  private long roundTrip(Link link, byte[] bytes) throws Exception {
    String host = LOOPBACK.getHostAddress();
    try (TcpProxy proxy = new TcpProxy(link)) {
      int port = proxy.route(0, host, echo.getLocalPort());
      proxy.start();
      long begin = System.nanoTime();
      thereAndBack(port, bytes);
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    }
  }

  private void thereAndBack(int port, byte[] bytes) throws Exception {
    try (Socket socket = new Socket(LOOPBACK, port)) {
      socket.setSoTimeout(20_000);
      Future<Object> sent =
          executor.submit(
              () -> {
                socket.getOutputStream().write(bytes);
                socket.shutdownOutput();
                return null;
              });
      InputStream in = socket.getInputStream();
      assertThat(in.readAllBytes()).isEqualTo(bytes);
      sent.get(10, TimeUnit.SECONDS);
    }
  }

  private static byte[] random(int count) {
    byte[] bytes = new byte[count];
    new Random(5).nextBytes(bytes);
    return bytes;
  }

  private static Link link(Duration delay, Duration jitter, long rate) {
    return new Link(delay.toNanos(), jitter.toNanos(), rate);
  }

  @Test
  void passesEverythingOnInOrder() throws Exception {
    roundTrip(link(Duration.ZERO, Duration.ZERO, 0), random(5_000_000));
    roundTrip(link(Duration.ofMillis(2), Duration.ofMillis(3), 0), random(300_000));
  }

  @Test
  void delaysEachWay() throws Exception {
    assertThat(roundTrip(link(Duration.ofMillis(150), Duration.ZERO, 0), random(10)))
        .isGreaterThanOrEqualTo(300);
  }

  @Test
  void letsNoMoreThroughThanItsRate() throws Exception {
    // 200 kB at 400 kB/s each way; both ways run at the same time but for one chunk.
    assertThat(roundTrip(link(Duration.ZERO, Duration.ZERO, 400_000), random(200_000)))
        .isGreaterThanOrEqualTo(500);
  }

  @Test
  void whatIsOnItsWayDoesNotHoldUpWhatFollows() throws Exception {
    // 8 MB are more than 60 chunks: one after the other they would take half a minute each way.
    Link link = link(Duration.ofMillis(500), Duration.ZERO, 0);
    assertThat(Duration.ofMillis(roundTrip(link, random(8_000_000))))
        .isBetween(Duration.ofSeconds(1), Duration.ofSeconds(20));
  }

  @Test
  void connectionsShareTheCardOfTheirTarget() throws Exception {
    assertThat(atOnce(new Card(400_000), Card.UNLIMITED)).isGreaterThanOrEqualTo(500);
  }

  @Test
  void connectionsShareTheCardOfWhoConnects() throws Exception {
    assertThat(atOnce(Card.UNLIMITED, new Card(400_000))).isGreaterThanOrEqualTo(500);
  }

  @Test
  void bytesWithoutAGapPassAtTheRate() {
    Card.Rate rate = new Card.Rate(1_000_000);
    assertThat(rate.pass(5_000, 3)).isEqualTo(8_000);
    assertThat(rate.pass(5_000, 2)).as("behind those before").isEqualTo(10_000);
    assertThat(rate.pass(9_500, 1)).as("behind those before").isEqualTo(11_000);
    assertThat(rate.pass(50_000, 4)).as("an idle time gives no credit").isEqualTo(54_000);
    assertThat(new Card.Rate(0).pass(7_000, 1 << 30)).as("no limit").isEqualTo(7_000);
  }

  @Test
  void timesThatAreNegativePassToo() {
    Card.Rate rate = new Card.Rate(1_000_000);
    assertThat(rate.pass(-90_000, 1)).isEqualTo(-89_000);
    assertThat(rate.pass(-100_000, 1)).isEqualTo(-88_000);
  }

  @Test
  void aLinkIsNotNegative() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Link(-1, 0, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> new Link(0, -1, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> new Link(0, 0, -1));
  }

  /** Sends 100 kB there and back on each of two routes, and gives the milliseconds that took. */
  private long atOnce(Card target, Card client) throws Exception {
    byte[] bytes = random(100_000);
    try (TcpProxy proxy = new TcpProxy(link(Duration.ZERO, Duration.ZERO, 0))) {
      int one = route(proxy, target, client);
      int other = route(proxy, target, client);
      proxy.start();
      long begin = System.nanoTime();
      Future<Object> second =
          executor.submit(
              () -> {
                thereAndBack(other, bytes);
                return null;
              });
      thereAndBack(one, bytes);
      second.get(20, TimeUnit.SECONDS);
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    }
  }

  private int route(TcpProxy proxy, Card target, Card client) throws IOException {
    return proxy.route(
        new InetSocketAddress(LOOPBACK, 0),
        LOOPBACK.getHostAddress(),
        echo.getLocalPort(),
        target,
        address -> {
          assertThat(address).isEqualTo(LOOPBACK);
          return client;
        });
  }
}
