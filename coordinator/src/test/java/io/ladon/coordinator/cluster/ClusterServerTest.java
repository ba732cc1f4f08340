package io.ladon.coordinator.cluster;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import com.google.protobuf.StringValue;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.ladon.coordinator.FakeModel;
import io.ladon.coordinator.FakeWorker;
import io.ladon.coordinator.KvPrecision;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.RecordingListener;
import io.ladon.coordinator.Timeouts;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.schedule.BlockPool;
import io.ladon.coordinator.schedule.Scheduler;
import io.ladon.coordinator.schedule.SchedulerMetrics;
import io.ladon.engine.checkpoint.SliceSource;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.net.LocalSocket;
import io.ladon.net.Transport;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.CoordinatorMessage.MessageCase;
import io.ladon.proto.FetchSlicesRequest;
import io.ladon.proto.LocalLink;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.SliceChunk;
import io.ladon.proto.SliceRef;
import io.ladon.proto.WorkerMessage;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The same over real connections: gRPC on loopback, workers that compute nothing. */
@Timeout(60)
final class ClusterServerTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int BLOCKS = 64;

  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, Transport.best().newHandler());
  private final NettyLoop loop = new NettyLoop(group.next());
  private final Timeouts timeouts =
      Timeouts.defaults().withHeartbeat(Duration.ofMillis(100), Duration.ofMillis(1500));
  private final StatusBoard board = new StatusBoard(loop, timeouts.ready());
  private final byte[] tensor = new byte[3 * Slices.CHUNK_BYTES + 12345];
  private final List<ScriptedWorker> workers = new ArrayList<>();
  private final ShardPlan plan = ShardPlan.of(FakeModel.spec(), PlanOptions.of(3));
  private final Limits limits = Limits.defaults().withKvBlocks(BLOCKS);
  private final MessageSizes sizes =
      MessageSizes.of(plan, limits, 100, 4, List.of("token_embd.weight"), 1024);
  private final Scheduler scheduler =
      new Scheduler(
          loop,
          limits,
          timeouts,
          FakeModel.VOCABULARY,
          1024,
          new BlockPool(BLOCKS),
          FakeModel.embeddings(),
          id -> false,
          new SchedulerMetrics(new SimpleMeterRegistry(), BLOCKS),
          board::reason);
  private final Cluster cluster =
      new Cluster(
          loop,
          new ClusterSetup(
              plan,
              null,
              List.of(),
              ShardNeeds.of(plan, rank -> 1 << 20, BLOCKS + 1, KvPrecision.F16),
              ByteString.copyFromUtf8("header"),
              "fingerprint",
              "/models/fake.gguf",
              BLOCKS + 1,
              "f16",
              limits,
              timeouts),
          scheduler,
          board);
  private final AtomicInteger reads = new AtomicInteger();
  private final SliceSource source =
      slice -> {
        if (!slice.tensor().equals("token_embd.weight")) {
          throw new IOException("no tensor named '" + slice.tensor() + "'");
        }
        reads.incrementAndGet();
        return MemorySegment.ofArray(tensor).asSlice(slice.rowBegin(), slice.rows());
      };
  private final Slices slices = new Slices(source, "fingerprint", SliceChecksums.inMemory());
  private final LocalServer locals =
      new LocalServer(Transport.EPOLL, group, loop, sizes.fromWorker(), Duration.ofMillis(300));
  private final ClusterServer server =
      new ClusterServer(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
          Transport.best(),
          group,
          new ClusterService(loop, cluster, slices, locals, Duration.ofMillis(300)),
          sizes.fromWorker(),
          timeouts.silence());

  @BeforeEach
  void start() throws IOException {
    new Random(1).nextBytes(tensor);
    locals.start();
    server.start();
    cluster.start();
  }

  @AfterEach
  void stop() throws InterruptedException {
    workers.forEach(ScriptedWorker::close);
    server.close();
    locals.close();
    slices.close();
    assertThat(group.shutdownGracefully(0, 1, TimeUnit.SECONDS).await(5, TimeUnit.SECONDS))
        .isTrue();
  }

  private ScriptedWorker worker(String name, int port) {
    FakeWorker fake = new FakeWorker(FakeModel.spec(), name, port);
    ScriptedWorker worker = new ScriptedWorker(fake, server.port(), sizes.toWorker());
    workers.add(worker);
    return worker;
  }

  private void awaitReady() throws InterruptedException {
    assertThat(board.awaitReady(LIMIT)).as(board.reason()).isTrue();
  }

  @Test
  void manyRequestsOverThreeWorkers() throws InterruptedException, ServiceException {
    for (int i = 0; i < 3; i++) {
      worker("w" + i, 1001 + i).join();
    }
    awaitReady();
    answerManyRequests();
  }

  @Test
  void manyRequestsOverWorkersOfWhichTwoAreOnThisMachine()
      throws InterruptedException, ServiceException {
    List<ScriptedWorker> near = List.of(worker("w0", 1001), worker("w1", 1002));
    near.forEach(one -> one.onThisMachine(group).join());
    ScriptedWorker far = worker("w2", 1003).join();
    awaitReady();
    Awaitility.await()
        .atMost(LIMIT)
        .until(() -> near.stream().allMatch(one -> one.localSteps.get() > 0));
    List<Long> before = near.stream().map(ClusterServerTest::stepsOverGrpc).toList();
    answerManyRequests();
    assertThat(near.stream().map(ClusterServerTest::stepsOverGrpc).toList()).isEqualTo(before);
    assertThat(far.localSteps).hasValue(0);
  }

  private static long stepsOverGrpc(ScriptedWorker worker) {
    return worker.worker.heard.stream().filter(m -> m.hasStep() || m.hasFetchLogits()).count()
        - worker.localSteps.get();
  }

  private void answerManyRequests() throws InterruptedException, ServiceException {
    Random random = new Random(5);
    List<GenerationRequest> requests = new ArrayList<>();
    List<RecordingListener> listeners = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      GenerationRequest request =
          new GenerationRequest(
              random.ints(1 + random.nextInt(300), 0, FakeModel.VOCABULARY).toArray(),
              1 + random.nextInt(20),
              i % 2 == 0
                  ? SamplingOptions.GREEDY
                  : new SamplingOptions(1.2f, 1, 0, 0, random.nextLong()),
              -1,
              false);
      RecordingListener listener = new RecordingListener();
      scheduler.submit(request, listener);
      requests.add(request);
      listeners.add(listener);
    }
    for (int i = 0; i < requests.size(); i++) {
      assertThat(listeners.get(i).await(LIMIT).ids())
          .isEqualTo(FakeModel.generate(requests.get(i)));
    }
  }

  @Test
  void aKilledWorkerFailsItsRequestsAndIsReplaced() throws InterruptedException, ServiceException {
    worker("w0", 1001).join();
    worker("w1", 1002).join();
    ScriptedWorker victim = worker("w2", 1003).join();
    awaitReady();
    int rank = requireNonNull(victim.worker.assign).getRank(); // connections race
    victim.worker.deaf.add(MessageCase.STEP);
    GenerationRequest request =
        new GenerationRequest(new int[] {5}, 1000, SamplingOptions.GREEDY, -1, false);
    RecordingListener listener = new RecordingListener();
    scheduler.submit(request, listener);
    Awaitility.await()
        .atMost(LIMIT)
        .until(
            () ->
                victim.worker.heard.stream()
                    .anyMatch(m -> m.hasStep() && m.getStep().getRuns(0).getSequence() > 0));
    victim.close();
    ServiceException error = requireNonNull(listener.await(Duration.ofSeconds(5)).error);
    assertThat(error.code()).isEqualTo(ErrorCode.WORKER_LOST);
    assertThat(error).hasMessageContaining("rank " + rank + " (w2 at 127.0.0.1:1003) is gone");
    assertThat(board.ready()).isFalse();
    ScriptedWorker again = worker("w2", 1004).join();
    awaitReady();
    assertThat(requireNonNull(again.worker.assign).getEpoch()).isEqualTo(2);
    assertThat(again.worker.assign.getRank()).isEqualTo(rank);
    GenerationRequest next =
        new GenerationRequest(new int[] {5}, 20, SamplingOptions.GREEDY, -1, false);
    RecordingListener after = new RecordingListener();
    scheduler.submit(next, after);
    assertThat(after.await(LIMIT).ids()).isEqualTo(FakeModel.generate(next));
  }

  @Test
  void aSilentWorkerIsReleased() throws InterruptedException {
    ScriptedWorker mute = worker("w0", 1001);
    mute.worker.deaf.add(MessageCase.PING);
    Status status = mute.join().awaitEnd(LIMIT);
    assertThat(status.getDescription()).contains("said nothing for 1");
  }

  @Test
  void whoSaysNoHelloIsCutOff() throws InterruptedException {
    Status status = worker("w", 1).joinWithoutHello().awaitEnd(LIMIT);
    assertThat(status.getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(status.getDescription()).isEqualTo("no Hello within 300 ms");
  }

  @Test
  void whoIsRefusedIsToldWhy() throws InterruptedException {
    ScriptedWorker nameless =
        new ScriptedWorker(
            new FakeWorker(FakeModel.spec(), FakeWorker.hello("w", 1).setName("").build()),
            server.port(),
            sizes.toWorker());
    workers.add(nameless);
    Status status = nameless.join().awaitEnd(LIMIT);
    assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(status.getDescription()).contains("needs a name");
  }

  @Test
  void whoIsNoMemberIsCutOffFromTheLocalSocket() throws InterruptedException {
    ScriptedWorker near = worker("w0", 1001).onThisMachine(group).join();
    Awaitility.await().atMost(LIMIT).until(() -> !near.worker.heard.isEmpty());
    LocalOffer offer = awaitOffer(near);
    RecordingReceiver silent = new RecordingReceiver(socket -> {});
    RecordingReceiver stranger =
        new RecordingReceiver(
            socket ->
                socket.send(
                    WorkerMessage.newBuilder()
                        .setLocalLink(
                            LocalLink.newBuilder().setToken(ByteString.copyFromUtf8("guess")))
                        .build()));
    RecordingReceiver thief =
        new RecordingReceiver(
            socket ->
                socket.send(
                    WorkerMessage.newBuilder()
                        .setLocalLink(LocalLink.newBuilder().setToken(offer.getToken()))
                        .build()));
    for (RecordingReceiver one : List.of(silent, stranger, thief)) {
      ScriptedWorker.connect(group, offer, one);
      assertThat(one.over.await(LIMIT.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
    }
  }

  @Test
  void aBrokenMessageOnTheLocalSocketEndsTheMembership() throws InterruptedException {
    ScriptedWorker honest = worker("w0", 1001).join();
    LocalOffer offer = awaitOffer(honest);
    RecordingReceiver broken =
        new RecordingReceiver(
            socket -> {
              socket.send(
                  WorkerMessage.newBuilder()
                      .setLocalLink(LocalLink.newBuilder().setToken(offer.getToken()))
                      .build());
              socket.send(StringValue.of("x".repeat(99)).toBuilder().build());
            });
    ScriptedWorker.connect(group, offer, broken);
    Status status = honest.awaitEnd(LIMIT);
    assertThat(status.getDescription()).startsWith("the local socket failed: ");
  }

  private static LocalOffer awaitOffer(ScriptedWorker by) {
    Awaitility.await()
        .atMost(LIMIT)
        .until(() -> by.worker.heard.stream().anyMatch(CoordinatorMessage::hasLocalOffer));
    return by.worker.heard.stream()
        .filter(CoordinatorMessage::hasLocalOffer)
        .findFirst()
        .orElseThrow()
        .getLocalOffer();
  }

  /** Says something when connected, and notices the end. */
  private static final class RecordingReceiver implements LocalSocket.Receiver<CoordinatorMessage> {
    private final Consumer<LocalSocket<CoordinatorMessage>> opening;
    private final CountDownLatch over = new CountDownLatch(1);

    RecordingReceiver(Consumer<LocalSocket<CoordinatorMessage>> opening) {
      this.opening = opening;
    }

    @Override
    public void onOpen(LocalSocket<CoordinatorMessage> socket) {
      opening.accept(socket);
    }

    @Override
    public void onMessage(LocalSocket<CoordinatorMessage> socket, CoordinatorMessage message) {
      throw new AssertionError("nothing is sent to a stranger: " + message);
    }

    @Override
    public void onClosed(@Nullable Throwable cause) {
      over.countDown();
    }
  }

  @Test
  void slicesComeInChunksWithTheirChecksum() {
    CRC32C crc = new CRC32C();
    crc.update(tensor, 7, tensor.length - 7);
    int checksum = (int) crc.getValue();
    FetchSlicesRequest request =
        FetchSlicesRequest.newBuilder()
            .setCheckpoint("fingerprint")
            .addSlices(ref(7, tensor.length))
            .addSlices(ref(7, tensor.length).setHave(true).setHaveCrc32C(checksum))
            .addSlices(ref(7, tensor.length).setHave(true).setHaveCrc32C(checksum))
            .addSlices(ref(0, 3).setHave(true).setHaveCrc32C(1))
            .addSlices(ref(7, tensor.length).setHave(true).setHaveCrc32C(checksum))
            .build();
    Iterator<SliceChunk> chunks = fetch(request);
    ByteArrayOutputStream first = new ByteArrayOutputStream();
    SliceChunk chunk;
    do {
      chunk = chunks.next();
      assertThat(chunk.getSlice()).isZero();
      assertThat(chunk.getOffset()).isEqualTo(first.size());
      assertThat(chunk.getCrc32C()).isEqualTo(checksum);
      first.writeBytes(chunk.getData().toByteArray());
    } while (!chunk.getLast());
    assertThat(first.toByteArray()).isEqualTo(Arrays.copyOfRange(tensor, 7, tensor.length));
    assertThat(chunks.next())
        .as("the next two in one message")
        .isEqualTo(SliceChunk.newBuilder().setSlice(1).setUnchanged(2).build());
    SliceChunk fourth = chunks.next();
    assertThat(fourth.getSlice()).isEqualTo(3);
    assertThat(fourth.getUnchanged()).isZero();
    assertThat(fourth.getData().toByteArray()).containsExactly(tensor[0], tensor[1], tensor[2]);
    assertThat(chunks.next())
        .isEqualTo(SliceChunk.newBuilder().setSlice(4).setUnchanged(1).build());
    assertThat(chunks.hasNext()).isFalse();
    assertThat(reads).as("the second slice is known by its checksum").hasValue(2);
  }

  @Test
  void slicesOfAnotherCheckpointAreRefused() {
    Iterator<SliceChunk> other =
        fetch(FetchSlicesRequest.newBuilder().setCheckpoint("else").build());
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(other::hasNext)
        .withMessageContaining("checkpoint else is wanted, fingerprint is served");
    Iterator<SliceChunk> unknown =
        fetch(
            FetchSlicesRequest.newBuilder()
                .setCheckpoint("fingerprint")
                .addSlices(SliceRef.newBuilder().setTensor("x"))
                .build());
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(unknown::hasNext)
        .withMessageContaining("no tensor named 'x'");
  }

  private Iterator<SliceChunk> fetch(FetchSlicesRequest request) {
    return ClusterGrpc.newBlockingStub(worker("w", 1).channel)
        .withDeadlineAfter(LIMIT.toMillis(), TimeUnit.MILLISECONDS)
        .fetchSlices(request);
  }

  private static SliceRef.Builder ref(int begin, int end) {
    return SliceRef.newBuilder()
        .setTensor("token_embd.weight")
        .setRowBegin(begin)
        .setRowEnd(end)
        .setColumnEnd(1);
  }
}
