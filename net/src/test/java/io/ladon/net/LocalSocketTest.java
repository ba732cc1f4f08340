package io.ladon.net;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.handler.codec.TooLongFrameException;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocalSocketTest {

  private static final int LARGEST = 3 << 20;

  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, Transport.EPOLL.newHandler());
  private final Transport.LocalChannels channels =
      Objects.requireNonNull(Transport.EPOLL.localChannels());
  private final End server = new End();
  private final End client = new End();
  private Channel dialled;

  @BeforeEach
  void connect() throws InterruptedException {
    String name = "ladon-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
    channels.listen(group, name, channel -> channel.pipeline().addLast(server.socket)).sync();
    dialled = channels.connect(group, name, client.socket, Duration.ofSeconds(10)).sync().channel();
    assertThat(server.opened.orTimeout(20, TimeUnit.SECONDS)).succeedsWithin(20, TimeUnit.SECONDS);
    assertThat(client.opened).succeedsWithin(20, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() throws InterruptedException {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).await();
  }

  @Test
  void messagesOfAllSizesComeInOrderBothWays() throws InterruptedException {
    Random random = new Random(3);
    int[] sizes = {0, 1, 100, 5000, LARGEST - 8, 3, 1 << 20, 0};
    for (int size : sizes) {
      byte[] bytes = new byte[size];
      random.nextBytes(bytes);
      BytesValue message = BytesValue.of(ByteString.copyFrom(bytes));
      client.send(message);
      server.send(message);
      assertThat(server.next()).isEqualTo(message);
      assertThat(client.next()).isEqualTo(message);
    }
  }

  @Test
  void aMessageThatIsTooLargeEndsTheConnection() {
    client.send(BytesValue.of(ByteString.copyFrom(new byte[LARGEST + 1])));
    assertThat(server.over)
        .succeedsWithin(20, TimeUnit.SECONDS)
        .satisfies(cause -> assertThat(cause).isInstanceOf(TooLongFrameException.class));
    assertThat(client.over).succeedsWithin(20, TimeUnit.SECONDS);
    assertThat(server.messages).isEmpty();
  }

  @Test
  void whatIsNoMessageEndsTheConnectionAndNothingAfterItIsHeard() {
    var _ =
        dialled.writeAndFlush(
            Unpooled.wrappedBuffer(new byte[] {0, 0, 0, 2, 10, 99, 0, 0, 0, 0, 0, 0, 0, 0}));
    assertThat(server.over)
        .succeedsWithin(20, TimeUnit.SECONDS)
        .satisfies(cause -> assertThat(cause).hasMessageContaining("InvalidProtocolBuffer"));
    assertThat(client.over).succeedsWithin(20, TimeUnit.SECONDS);
    assertThat(server.messages).isEmpty();
  }

  @Test
  void whatWasSentBeforeTheEndIsHeard() throws InterruptedException {
    BytesValue last = BytesValue.of(ByteString.copyFromUtf8("last"));
    group
        .submit(
            () -> {
              client.socket.send(last);
              client.socket.close();
              client.socket.close();
            })
        .await();
    assertThat(server.next()).isEqualTo(last);
    assertThat(server.over).succeedsWithin(20, TimeUnit.SECONDS).isNull();
    assertThat(client.over).succeedsWithin(20, TimeUnit.SECONDS).isNull();
    assertThat(client.socket.isOpen()).isFalse();
    client.send(last); // dropped
  }

  /** One end, and what it has heard. */
  private final class End implements LocalSocket.Receiver<BytesValue> {
    final LocalSocket<BytesValue> socket = new LocalSocket<>(LARGEST, BytesValue.parser(), this);
    final BlockingQueue<BytesValue> messages = new LinkedBlockingQueue<>();
    final CompletableFuture<Boolean> opened = new CompletableFuture<>();
    final CompletableFuture<@Nullable Throwable> over = new CompletableFuture<>();

    void send(BytesValue message) {
      group.execute(() -> socket.send(message));
    }

    BytesValue next() throws InterruptedException {
      return Objects.requireNonNull(messages.poll(20, TimeUnit.SECONDS), "a message");
    }

    @Override
    public void onOpen(LocalSocket<BytesValue> connected) {
      opened.complete(true);
    }

    @Override
    public void onMessage(LocalSocket<BytesValue> from, BytesValue message) {
      messages.add(message);
    }

    @Override
    public void onClosed(@Nullable Throwable cause) {
      over.complete(cause);
    }
  }
}
