package io.ladon.worker.join;

import io.ladon.net.LocalSocket;
import io.ladon.net.Transport;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.WorkerMessage;
import io.ladon.worker.loop.RankLoop;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection to the coordinator's local socket, where it is on this machine: the way of steps
 * and of their answers. Of the rank's loop.
 */
final class LocalLink implements LocalSocket.Receiver<CoordinatorMessage> {

  private static final Logger log = LoggerFactory.getLogger(LocalLink.class);

  private final Consumer<CoordinatorMessage> receiver;
  private final Consumer<Throwable> failed;
  private final LocalSocket<CoordinatorMessage> socket;
  private @Nullable LocalOffer taken;
  private boolean linked; // the coordinator has used the connection
  private boolean closed;

  /**
   * @param largestMessage that the coordinator may send, in bytes
   * @param failed told if the connection breaks, with the reason
   */
  LocalLink(int largestMessage, Consumer<CoordinatorMessage> receiver, Consumer<Throwable> failed) {
    this.receiver = receiver;
    this.failed = failed;
    this.socket = new LocalSocket<>(largestMessage, CoordinatorMessage.parser(), this);
  }

  /** Tries to take an offer. Where that fails, as on another machine, nothing is sent here. */
  void connect(RankLoop loop, LocalOffer offer, Duration limit) {
    Transport.LocalChannels channels = loop.transport().localChannels();
    if (channels == null) {
      return;
    }
    taken = offer;
    var _ =
        channels
            .connect(loop.eventLoop(), offer.getSocket(), socket, limit)
            .addListener(
                done -> {
                  if (!done.isSuccess()) {
                    log.info("event=no_local_socket reason=\"{}\"", String.valueOf(done.cause()));
                  }
                });
  }

  /** Sends an answer to what came over this connection; false if it has to go another way. */
  boolean send(WorkerMessage message) {
    if (!linked || !socket.isOpen() || !(message.hasStepResult() || message.hasLogits())) {
      return false;
    }
    socket.send(message);
    return true;
  }

  void close() {
    closed = true;
    socket.close();
  }

  @Override
  public void onOpen(LocalSocket<CoordinatorMessage> connected) {
    if (closed || taken == null) {
      connected.close();
      return;
    }
    log.info("event=local_socket");
    connected.send(
        WorkerMessage.newBuilder()
            .setLocalLink(io.ladon.proto.LocalLink.newBuilder().setToken(taken.getToken()))
            .build());
  }

  @Override
  public void onMessage(LocalSocket<CoordinatorMessage> from, CoordinatorMessage message) {
    linked = true;
    receiver.accept(message);
  }

  @Override
  public void onClosed(@Nullable Throwable cause) {
    if (cause != null && !closed) {
      failed.accept(cause);
    }
  }
}
