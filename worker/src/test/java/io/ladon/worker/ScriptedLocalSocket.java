package io.ladon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.ladon.net.LocalSocket;
import io.ladon.net.Transport;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.WorkerMessage;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A coordinator's local socket, for one worker, that says what a test tells it to. */
final class ScriptedLocalSocket implements LocalSocket.Receiver<WorkerMessage>, AutoCloseable {

  private static final long WAIT_SECONDS = 60;

  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, Transport.EPOLL.newHandler());
  private final String name =
      "ladon-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
  private final BlockingQueue<WorkerMessage> messages = new LinkedBlockingQueue<>();
  private final LocalSocket<WorkerMessage> socket =
      new LocalSocket<>(1 << 20, WorkerMessage.parser(), this);

  ScriptedLocalSocket() throws InterruptedException {
    Objects.requireNonNull(Transport.EPOLL.localChannels())
        .listen(group, name, channel -> channel.pipeline().addLast(socket))
        .sync();
  }

  CoordinatorMessage.Builder offer(String token) {
    return CoordinatorMessage.newBuilder()
        .setLocalOffer(
            LocalOffer.newBuilder().setSocket(name).setToken(ByteString.copyFromUtf8(token)));
  }

  void send(CoordinatorMessage.Builder message) {
    send(message.build());
  }

  void send(MessageLite message) {
    group.execute(() -> socket.send(message));
  }

  /** The next message, which must be of a kind. */
  WorkerMessage next(WorkerMessage.MessageCase kind) throws InterruptedException {
    WorkerMessage message = messages.poll(WAIT_SECONDS, TimeUnit.SECONDS);
    assertThat(message).as("a message over the local socket").isNotNull();
    assertThat(message.getMessageCase()).as("%s", message).isEqualTo(kind);
    return message;
  }

  @Override
  public void onOpen(LocalSocket<WorkerMessage> connected) {}

  @Override
  public void onMessage(LocalSocket<WorkerMessage> from, WorkerMessage message) {
    messages.add(message);
  }

  @Override
  public void onClosed(@Nullable Throwable cause) {}

  /** Whether a worker is connected. */
  boolean isOpen() {
    return socket.isOpen();
  }

  @Override
  public void close() {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }
}
