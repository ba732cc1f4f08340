package io.ladon.coordinator.cluster;

import com.google.protobuf.ByteString;
import io.ladon.coordinator.schedule.Loop;
import io.ladon.net.LocalSocket;
import io.ladon.net.Transport;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.WorkerMessage;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoopGroup;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Unix domain socket on which workers of this machine take their steps. Who connects proves
 * with a token which member it is: it has the token from its Join stream.
 */
public final class LocalServer implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(LocalServer.class);
  private static final int RANDOM_BYTES = 16;
  private static final int CLOSE_SECONDS = 2;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final Transport transport;
  private final EventLoopGroup group;
  private final Loop loop;
  private final int largestMessage;
  private final Duration linkLimit;
  private final String name = "ladon-" + HexFormat.of().formatHex(random());
  private final Map<ByteString, WorkerStream> expected = new HashMap<>(); // of the loop
  private @Nullable Channel listening;

  /**
   * @param group of the one event loop that is also the cluster's loop
   * @param largestMessage bytes of the largest message that a worker may send
   * @param linkLimit from a connection to its token
   */
  public LocalServer(
      Transport transport,
      EventLoopGroup group,
      Loop loop,
      int largestMessage,
      Duration linkLimit) {
    this.transport = transport;
    this.group = group;
    this.loop = loop;
    this.largestMessage = largestMessage;
    this.linkLimit = linkLimit;
  }

  /** Listens, if the system has such sockets; workers are offered them from now on. */
  public void start() {
    Transport.LocalChannels channels = transport.localChannels();
    if (channels == null) {
      return;
    }
    ChannelFuture bound = channels.listen(group, name, this::accept).awaitUninterruptibly();
    if (bound.isSuccess()) {
      listening = bound.channel();
    } else {
      log.warn("no local socket for workers of this machine", bound.cause());
    }
  }

  /** What a worker is to be told; null where there is no such socket. On the loop. */
  @Nullable LocalOffer offer(WorkerStream stream) {
    if (listening == null) {
      return null;
    }
    ByteString token = ByteString.copyFrom(random());
    expected.put(token, stream);
    return LocalOffer.newBuilder().setSocket(name).setToken(token).build();
  }

  /** Nobody shall come with this offer any more. Idempotent; on the loop. */
  void withdraw(LocalOffer offer) {
    expected.remove(offer.getToken());
  }

  private void accept(Channel channel) {
    Guest guest = new Guest();
    LocalSocket<WorkerMessage> socket =
        new LocalSocket<>(largestMessage, WorkerMessage.parser(), guest);
    channel.pipeline().addLast(socket);
    guest.deadline =
        loop.schedule(
            linkLimit,
            () -> {
              log.warn("a connection to the local socket said no token within {}", linkLimit);
              socket.close();
            });
  }

  private static byte[] random() {
    byte[] bytes = new byte[RANDOM_BYTES];
    RANDOM.nextBytes(bytes);
    return bytes;
  }

  /** Takes no more connections. Those that there are end with their streams. Idempotent. */
  @Override
  public void close() {
    Channel open = listening;
    if (open != null && !open.close().awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
      log.warn("the local socket is still open after {} s", CLOSE_SECONDS);
    }
  }

  /** Who has connected. */
  private final class Guest implements LocalSocket.Receiver<WorkerMessage> {

    private Loop.@Nullable Timer deadline;
    private @Nullable WorkerStream stream;

    @Override
    public void onOpen(LocalSocket<WorkerMessage> socket) {}

    @Override
    public void onMessage(LocalSocket<WorkerMessage> from, WorkerMessage message) {
      WorkerStream known = stream;
      if (known != null) {
        known.onNext(message);
        return;
      }
      stop();
      known = expected.remove(message.getLocalLink().getToken());
      if (known == null) {
        log.warn("a connection to the local socket has no token of a worker");
        from.close();
        return;
      }
      stream = known;
      known.link(from);
    }

    @Override
    public void onClosed(@Nullable Throwable cause) {
      stop();
      WorkerStream known = stream;
      if (known != null) {
        known.unlink(cause);
      } else if (cause != null) {
        log.warn("a connection to the local socket failed", cause);
      }
    }

    private void stop() {
      if (deadline != null) {
        deadline.cancel();
      }
    }
  }
}
