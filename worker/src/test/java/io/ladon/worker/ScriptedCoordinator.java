package io.ladon.worker;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorSlice;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FetchSlicesRequest;
import io.ladon.proto.Hello;
import io.ladon.proto.SliceChunk;
import io.ladon.proto.SliceRef;
import io.ladon.proto.Welcome;
import io.ladon.proto.WorkerMessage;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** A coordinator that says what a test tells it to, and serves slices of a file. */
final class ScriptedCoordinator extends ClusterGrpc.ClusterImplBase implements AutoCloseable {

  private static final int CHUNK_BYTES = 10_000;
  private static final long WAIT_SECONDS = 60;

  private final BlockingQueue<Joined> joins = new LinkedBlockingQueue<>();
  private final List<FetchSlicesRequest> requests = new CopyOnWriteArrayList<>();
  private final @Nullable GgufFile file;
  private final Server server;
  private volatile String lieAbout = "";
  private volatile long silenceMillis;
  private volatile String refusal = "";

  ScriptedCoordinator(@Nullable GgufFile file, int port) throws IOException {
    this.file = file;
    this.server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
            .addService(this)
            .build()
            .start();
  }

  int port() {
    return server.getPort();
  }

  String address() {
    return "127.0.0.1:" + port();
  }

  /** Sends wrong checksums with this tensor's slices. */
  void lieAbout(String tensor) {
    lieAbout = tensor;
  }

  /** Tells those who join from now on that so long a silence ends the membership. */
  void promise(long millis) {
    silenceMillis = millis;
  }

  /** Refuses whoever joins from now on; takes them again if the reason is empty. */
  void refuse(String reason) {
    refusal = reason;
  }

  List<FetchSlicesRequest> requests() {
    return requests;
  }

  /** The next worker to join. */
  Joined joined() throws InterruptedException {
    Joined joined = joins.poll(WAIT_SECONDS, TimeUnit.SECONDS);
    assertThat(joined).as("a worker joins").isNotNull();
    return Objects.requireNonNull(joined);
  }

  @Override
  public StreamObserver<WorkerMessage> join(StreamObserver<CoordinatorMessage> out) {
    return new Joined(out);
  }

  @Override
  public void fetchSlices(FetchSlicesRequest request, StreamObserver<SliceChunk> out) {
    requests.add(request);
    try {
      int unchanged = 0;
      for (int i = 0; i <= request.getSlicesCount(); i++) {
        boolean more = i < request.getSlicesCount();
        if (more && isRight(request.getSlices(i))) {
          unchanged++;
          continue;
        }
        if (unchanged > 0) {
          out.onNext(
              SliceChunk.newBuilder().setSlice(i - unchanged).setUnchanged(unchanged).build());
          unchanged = 0;
        }
        if (more) {
          send(i, request.getSlices(i), out);
        }
      }
      out.onCompleted();
    } catch (IOException e) {
      out.onError(Status.INTERNAL.withDescription(e.getMessage()).asException());
    }
  }

  private boolean isRight(SliceRef ref) throws IOException {
    return ref.getHave() && ref.getHaveCrc32C() == checksum(ref, bytes(ref));
  }

  private byte[] bytes(SliceRef ref) throws IOException {
    TensorSlice slice =
        new TensorSlice(
            ref.getTensor(),
            ref.getRowBegin(),
            ref.getRowEnd(),
            ref.getColumnBegin(),
            ref.getColumnEnd());
    return Objects.requireNonNull(file).slice(slice).toArray(ValueLayout.JAVA_BYTE);
  }

  private int checksum(SliceRef ref, byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue() + (ref.getTensor().equals(lieAbout) ? 1 : 0);
  }

  private void send(int index, SliceRef ref, StreamObserver<SliceChunk> out) throws IOException {
    byte[] bytes = bytes(ref);
    int sum = checksum(ref, bytes);
    ByteString all = UnsafeByteOperations.unsafeWrap(bytes);
    for (int at = 0; at < bytes.length; at += CHUNK_BYTES) {
      int end = Math.min(bytes.length, at + CHUNK_BYTES);
      out.onNext(
          SliceChunk.newBuilder()
              .setSlice(index)
              .setOffset(at)
              .setData(all.substring(at, end))
              .setCrc32C(sum)
              .setLast(end == bytes.length)
              .build());
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  /** One worker's stream. */
  final class Joined implements StreamObserver<WorkerMessage> {
    final StreamObserver<CoordinatorMessage> out;
    final BlockingQueue<WorkerMessage> messages = new LinkedBlockingQueue<>();
    volatile Hello hello = Hello.getDefaultInstance();

    Joined(StreamObserver<CoordinatorMessage> out) {
      this.out = out;
    }

    void send(CoordinatorMessage.Builder message) {
      out.onNext(message.build());
    }

    /** The next message. */
    WorkerMessage next() throws InterruptedException {
      WorkerMessage message = messages.poll(WAIT_SECONDS, TimeUnit.SECONDS);
      assertThat(message).as("a message from the worker").isNotNull();
      return Objects.requireNonNull(message);
    }

    /** The next message, which must be of a kind. */
    WorkerMessage next(WorkerMessage.MessageCase kind) throws InterruptedException {
      WorkerMessage message = next();
      assertThat(message.getMessageCase()).as("%s", message).isEqualTo(kind);
      return message;
    }

    @Override
    public void onNext(WorkerMessage message) {
      if (message.hasHello()) {
        hello = message.getHello();
        if (!refusal.isEmpty()) {
          joins.add(this);
          out.onError(Status.FAILED_PRECONDITION.withDescription(refusal).asRuntimeException());
          return;
        }
        out.onNext(
            CoordinatorMessage.newBuilder()
                .setWelcome(
                    Welcome.newBuilder()
                        .setMember(1)
                        .setHeartbeatMillis(silenceMillis / 2)
                        .setTimeoutMillis(silenceMillis))
                .build());
        joins.add(this);
      } else {
        messages.add(message);
      }
    }

    @Override
    public void onError(Throwable error) {}

    @Override
    public void onCompleted() {
      out.onCompleted();
    }
  }
}
