package io.ladon.testcontainers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
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
  private long roundTrip(TcpProxy.Link link, byte[] bytes) throws Exception {
    String host = LOOPBACK.getHostAddress();
    try (TcpProxy proxy = new TcpProxy(0, host, echo.getLocalPort(), link)) {
      proxy.start();
      long begin = System.nanoTime();
      try (Socket socket = new Socket(LOOPBACK, proxy.port())) {
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
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    }
  }

  private static byte[] random(int count) {
    byte[] bytes = new byte[count];
    new Random(5).nextBytes(bytes);
    return bytes;
  }

  private static TcpProxy.Link link(Duration delay, Duration jitter, long rate) {
    return new TcpProxy.Link(delay.toNanos(), jitter.toNanos(), rate);
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
}
