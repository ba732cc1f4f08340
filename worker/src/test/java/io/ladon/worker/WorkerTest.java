package io.ladon.worker;

import static io.ladon.worker.Assignments.assign;
import static io.ladon.worker.Assignments.connect;
import static io.ladon.worker.Assignments.message;
import static io.ladon.worker.Assignments.step;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ladon.engine.Release;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.TensorType;
import io.ladon.engine.testing.TinyModels;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FailureCode;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.Hello;
import io.ladon.proto.PeersReady;
import io.ladon.proto.Ping;
import io.ladon.proto.RankFailure;
import io.ladon.proto.WorkerMessage.MessageCase;
import io.ladon.worker.ScriptedCoordinator.Joined;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Membership and epochs, with shards that only exchange. */
@Timeout(120)
class WorkerTest {

  @TempDir Path folder;
  private final FakeShards shards = new FakeShards();
  private final List<AutoCloseable> open = new ArrayList<>();
  private GgufFile file;
  private ScriptedCoordinator coordinator;

  @BeforeEach
  void start() throws Exception {
    file = GgufFile.open(new TinyModels(folder).model("tiny-llama", TensorType.Q8_0));
    coordinator = new ScriptedCoordinator(file, 0);
    open.add(file);
    open.add(coordinator);
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable one : open.reversed()) {
      one.close();
    }
    assertThat(shards.open).as("shards that nobody closed").hasValue(0);
  }

  private Worker worker(WorkerOptions.Builder options) throws Exception {
    Worker worker = new Worker(options.build(), shards);
    open.add(worker);
    worker.start();
    return worker;
  }

  private WorkerOptions.Builder options() {
    return WorkerOptions.joining(coordinator.address(), folder.resolve("cache"))
        .threads(1)
        .crowding(WorkerOptions.Crowding.YES)
        .longestPause(Duration.ofMillis(50));
  }

  /** Two workers that are connected in epoch 1. */
  private List<Joined> pair(long exchangeMillis) throws Exception {
    List<Joined> members = new ArrayList<>();
    List<String> peers = new ArrayList<>();
    for (int r = 0; r < 2; r++) {
      worker(options());
      members.add(coordinator.joined());
      peers.add(members.get(r).hello.getPeerAddress());
    }
    for (int r = 0; r < 2; r++) {
      members
          .get(r)
          .send(message(assign(file, 1, r, peers).setExchangeTimeoutMillis(exchangeMillis)));
    }
    for (Joined member : members) {
      member.next(MessageCase.LOADED);
    }
    for (Joined member : members) {
      member.send(connect(1));
    }
    for (Joined member : members) {
      PeersReady linked = member.next(MessageCase.PEERS_READY).getPeersReady();
      assertThat(linked.getEpoch()).isEqualTo(1);
      assertThat(linked.getSharedMemoryPeers() + linked.getGrpcPeers()).isEqualTo(1);
    }
    return members;
  }

  @Test
  void saysWhoItIs() throws Exception {
    Worker worker = worker(options().name("one").memoryBytes(1L << 30));
    Hello hello = coordinator.joined().hello;
    assertThat(hello.getProtocolVersion()).isEqualTo(Release.PROTOCOL);
    assertThat(hello.getSoftwareVersion()).isEqualTo(Release.VERSION);
    assertThat(hello.getName()).isEqualTo("one");
    assertThat(hello.getPeerAddress())
        .as("the address that it reached the coordinator from")
        .isEqualTo("127.0.0.1:" + worker.peerPort());
    assertThat(hello.getThreads()).isEqualTo(1);
    assertThat(hello.getMemoryBytes()).isEqualTo(1L << 30);
    assertThat(hello.getCpu()).isNotBlank();
    assertThat(hello.getKernels()).isEqualTo("fake");
    assertThat(hello.getInstance()).isNotBlank();
  }

  @Test
  void advertisesTheAddressItIsTold() throws Exception {
    Worker worker = worker(options().advertisedHost("worker.example"));
    assertThat(coordinator.joined().hello.getPeerAddress())
        .isEqualTo("worker.example:" + worker.peerPort());
  }

  @Test
  void runsStepsWithItsPeer() throws Exception {
    List<Joined> members = pair(20_000);
    for (int s = 1; s <= 3; s++) {
      for (Joined member : members) {
        member.send(step(1, s, 1));
      }
      for (Joined member : members) {
        var result = member.next(MessageCase.STEP_RESULT).getStepResult();
        assertThat(result.getEpoch()).isEqualTo(1);
        assertThat(result.getStep()).isEqualTo(s);
        assertThat(result.getExchangeBytes()).isEqualTo(FakeShards.PART_BYTES);
      }
    }
    members
        .getFirst()
        .send(
            CoordinatorMessage.newBuilder()
                .setFetchLogits(
                    FetchLogits.newBuilder().setEpoch(1).setStep(3).setRun(2).setToken(5)));
    var logits = members.getFirst().next(MessageCase.LOGITS).getLogits();
    assertThat(logits.getLogits().toByteArray()).containsExactly(2, 5, 3, 4);
  }

  @Test
  void answersAPingInTheMiddleOfAStep() throws Exception {
    Joined member = pair(20_000).getFirst();
    member.send(step(1, 1, 1)); // waits for rank 1, which is told nothing
    member.send(CoordinatorMessage.newBuilder().setPing(Ping.newBuilder().setNonce(77)));
    assertThat(member.next(MessageCase.PONG).getPong().getNonce()).isEqualTo(77);
  }

  @Test
  void answersAPingInAStepThatHasNoSwaps() throws Exception {
    worker(options());
    Joined member = coordinator.joined();
    member.send(message(assign(file, 1, 0, List.of(member.hello.getPeerAddress()))));
    member.next(MessageCase.LOADED);
    member.send(connect(1));
    member.next(MessageCase.PEERS_READY);
    member.send(step(1, 1, FakeShards.POLL_UNTIL_STOPPED));
    member.send(CoordinatorMessage.newBuilder().setPing(Ping.newBuilder().setNonce(78)));
    assertThat(member.next(MessageCase.PONG).getPong().getNonce()).isEqualTo(78);
    shards.stop.set(true);
    member.next(MessageCase.STEP_RESULT);
  }

  @Test
  void namesTheRankThatDidNotDoItsPart() throws Exception {
    Joined member = pair(100).getFirst();
    member.send(step(1, 5, 1));
    RankFailure failure = member.next(MessageCase.FAILURE).getFailure();
    assertThat(failure.getCode()).isEqualTo(FailureCode.EXCHANGE_TIMEOUT);
    assertThat(failure.getEpoch()).isEqualTo(1);
    assertThat(failure.getStep()).isEqualTo(5);
    assertThat(failure.getLayer()).isEqualTo(FakeShards.LAYER);
    assertThat(failure.getPoint()).isEqualTo("DOWN");
    assertThat(failure.getMissingRank()).isEqualTo(1);
    assertThat(failure.getMessage()).contains("rank 1", "100 ms");
  }

  @Test
  void saysWhenAPeerIsGone() throws Exception {
    Joined member = pair(20_000).getFirst();
    member.send(step(1, 1, 1));
    open.removeLast().close(); // rank 1
    List<FailureCode> codes = new ArrayList<>();
    for (int i = 0; i < 2; i++) { // the step's failure, and that of the stream itself
      RankFailure failure = member.next(MessageCase.FAILURE).getFailure();
      assertThat(failure.getMissingRank()).isEqualTo(1);
      codes.add(failure.getCode());
    }
    assertThat(codes).containsOnly(FailureCode.PEER_LOST);
  }

  @Test
  void aNewEpochVoidsTheOldOneInTheMiddleOfAStep() throws Exception {
    List<Joined> members = pair(60_000);
    Joined member = members.getFirst();
    member.send(step(1, 1, 1)); // waits for rank 1, which is told nothing
    member.send(message(assign(file, 2, 0, List.of(member.hello.getPeerAddress()))));
    assertThat(member.next(MessageCase.LOADED).getLoaded().getEpoch()).isEqualTo(2);
    member.send(connect(2));
    member.next(MessageCase.PEERS_READY);
    member.send(step(2, 1, 1));
    assertThat(member.next(MessageCase.STEP_RESULT).getStepResult().getEpoch()).isEqualTo(2);
    await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> assertThat(shards.open).hasValue(2));
    member.send(step(1, 2, 1));
    assertThat(member.next(MessageCase.FAILURE).getFailure().getCode())
        .isEqualTo(FailureCode.STALE_EPOCH);
  }

  @Test
  void refusesWhatItCannotDo() throws Exception {
    worker(options());
    Joined member = coordinator.joined();
    List<String> alone = List.of(member.hello.getPeerAddress());
    member.send(message(assign(file, 1, 0, alone).setPlanDigest("other")));
    assertFailure(member, FailureCode.PLAN_MISMATCH, "other");
    member.send(message(assign(file, 2, 1, alone)));
    assertFailure(member, FailureCode.PLAN_MISMATCH, "rank 1 of 1");
    member.send(message(assign(file, 3, 0, alone).setCheckpoint("00ff00ff")));
    assertFailure(member, FailureCode.LOAD_FAILED, "00ff00ff");
    member.send(message(assign(file, 4, 0, alone)));
    member.next(MessageCase.LOADED);
    member.send(step(4, 1, 1));
    assertFailure(member, FailureCode.BAD_STEP, "before the peers are ready");
    member.send(connect(4));
    member.next(MessageCase.PEERS_READY);
    member.send(step(4, 2, 11));
    assertFailure(member, FailureCode.BAD_STEP, "tokens: 11 are too many");
  }

  @Test
  void refusesAShardThatDoesNotFit() throws Exception {
    worker(options().memoryBytes(5 << 20));
    Joined member = coordinator.joined();
    member.send(message(assign(file, 1, 0, List.of(member.hello.getPeerAddress()))));
    assertFailure(
        member,
        FailureCode.OUT_OF_MEMORY,
        "needs 6.0 MiB (weights 3.0, KV cache 2.0, buffers 1.0) but 5.0 MiB are available");
  }

  private static void assertFailure(Joined member, FailureCode code, String message)
      throws InterruptedException {
    RankFailure failure = member.next(MessageCase.FAILURE).getFailure();
    assertThat(failure.getMessage()).contains(message);
    assertThat(failure.getCode()).isEqualTo(code);
    assertThat(failure.getMissingRank()).isEqualTo(-1);
    assertThat(failure.getLayer()).isEqualTo(-1);
  }

  @Test
  void joinsAgainAfterTheStreamEnds() throws Exception {
    worker(options());
    Joined first = coordinator.joined();
    first.send(message(assign(file, 1, 0, List.of(first.hello.getPeerAddress()))));
    first.next(MessageCase.LOADED);
    first.out.onCompleted();
    Joined second = coordinator.joined();
    assertThat(second.hello.getHeldList()).as("what it has packed by now").hasSize(1);
    Hello known = first.hello.toBuilder().addAllHeld(second.hello.getHeldList()).build();
    assertThat(second.hello).as("the same process").isEqualTo(known);
    await().atMost(Duration.ofSeconds(20)).untilAsserted(() -> assertThat(shards.open).hasValue(0));
    int port = coordinator.port();
    coordinator.close();
    coordinator = new ScriptedCoordinator(file, port);
    open.add(coordinator);
    assertThat(coordinator.joined().hello).isEqualTo(known);
  }

  @Test
  void leavesACoordinatorThatFallsSilent() throws Exception {
    coordinator.promise(100);
    worker(options());
    Joined first = coordinator.joined();
    assertThat(coordinator.joined().hello.getInstance()).isEqualTo(first.hello.getInstance());
  }

  @Test
  void refusedItAsksAgain() throws Exception {
    coordinator.refuse("another release");
    Worker worker = worker(options());
    coordinator.joined();
    coordinator.joined();
    coordinator.refuse("");
    Joined taken = coordinator.joined();
    taken.send(message(assign(file, 1, 0, List.of(taken.hello.getPeerAddress()))));
    taken.next(MessageCase.LOADED);
    assertThat(worker.refusal()).isNull();
  }

  @Test
  void refusedItEndsIfToldTo() throws Exception {
    coordinator.refuse("another release");
    Worker worker = worker(options().endsWhenRefused(true));
    assertThat(worker.awaitClosed(Duration.ofSeconds(30))).isTrue();
    assertThat(worker.refusal()).isEqualTo("another release");
  }

  @Test
  void releasedItDialsAgainOrEnds() throws Exception {
    Worker worker = worker(options());
    release(coordinator.joined(), false);
    release(coordinator.joined(), true);
    assertThat(worker.awaitClosed(Duration.ofSeconds(30))).isTrue();
  }

  private static void release(Joined member, boolean shutdown) {
    member.send(
        CoordinatorMessage.newBuilder()
            .setRelease(
                io.ladon.proto.Release.newBuilder().setReason("test").setShutdown(shutdown)));
  }

  @Test
  void saysGoodbye() throws Exception {
    Worker worker = worker(options());
    Joined member = coordinator.joined();
    worker.close();
    worker.close();
    member.next(MessageCase.LEAVE);
    assertThat(worker.awaitClosed(Duration.ofSeconds(1))).isTrue();
  }
}
