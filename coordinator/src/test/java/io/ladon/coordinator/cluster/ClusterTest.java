package io.ladon.coordinator.cluster;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.ladon.coordinator.FakeModel;
import io.ladon.coordinator.FakeWorker;
import io.ladon.coordinator.KvPrecision;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.ManualLoop;
import io.ladon.coordinator.RecordingListener;
import io.ladon.coordinator.Timeouts;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.WorkerStatus;
import io.ladon.coordinator.generate.WorkerStatus.State;
import io.ladon.coordinator.schedule.BlockPool;
import io.ladon.coordinator.schedule.Scheduler;
import io.ladon.coordinator.schedule.SchedulerMetrics;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.engine.plan.Split;
import io.ladon.proto.Assign;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.CoordinatorMessage.MessageCase;
import io.ladon.proto.FailureCode;
import io.ladon.proto.HeldShard;
import io.ladon.proto.Hello;
import io.ladon.proto.Leave;
import io.ladon.proto.RankFailure;
import io.ladon.proto.StepResult;
import io.ladon.proto.WorkerMessage;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Joining, planning, losing and planning again, with a clock that the test moves. */
final class ClusterTest {

  private static final int BLOCKS = 16;

  private final ManualLoop loop = new ManualLoop();
  private final StatusBoard board = new StatusBoard(loop, Timeouts.defaults().ready());
  private Cluster cluster = cluster(2);
  private @Nullable Scheduler scheduler;

  /** A worker on the test's own thread. */
  private final class Link implements MemberLink {
    final FakeWorker worker;
    @Nullable Member member;
    @Nullable Status ended;
    boolean broken;

    Link(FakeWorker worker) {
      this.worker = worker;
    }

    Link join() {
      member = cluster.join(worker.hello().getHello(), this);
      loop.run();
      return this;
    }

    @Override
    public void send(CoordinatorMessage message) {
      if (broken) {
        return;
      }
      WorkerMessage answer = worker.answer(message);
      if (answer != null) {
        loop.execute(() -> say(answer));
      }
    }

    void say(WorkerMessage message) {
      if (!broken && member != null) {
        cluster.onMessage(member, message);
      }
    }

    /** The process is killed. */
    void die() {
      broken = true;
      cluster.gone(requireNonNull(member), "its connection broke");
      loop.run();
    }

    @Override
    public void end(Status status) {
      ended = status;
    }

    Assign assigned() {
      return requireNonNull(worker.assign);
    }
  }

  private Cluster cluster(int ranks) {
    return cluster(ranks, null);
  }

  private Cluster cluster(int ranks, @Nullable PlanChooser chooser) {
    ShardPlan plan = ShardPlan.of(FakeModel.spec(), PlanOptions.of(ranks));
    Limits limits = Limits.defaults().withKvBlocks(BLOCKS);
    ClusterSetup setup =
        new ClusterSetup(
            plan,
            chooser,
            List.of(),
            ShardNeeds.of(plan, rank -> 1 << 20, BLOCKS + 1, KvPrecision.F32),
            ByteString.copyFromUtf8("header"),
            "fingerprint",
            "/models/fake.gguf",
            BLOCKS + 1,
            "f32",
            limits,
            Timeouts.defaults());
    Scheduler made =
        new Scheduler(
            loop,
            limits,
            Timeouts.defaults(),
            FakeModel.VOCABULARY,
            BLOCKS * Limits.BLOCK_POSITIONS,
            new BlockPool(BLOCKS),
            FakeModel.embeddings(),
            id -> false,
            new SchedulerMetrics(new SimpleMeterRegistry(), BLOCKS),
            board::reason);
    scheduler = made;
    Cluster cluster = new Cluster(loop, setup, made, board);
    cluster.start();
    loop.run();
    return cluster;
  }

  private Link worker(String name, int port) {
    return new Link(new FakeWorker(FakeModel.spec(), name, port));
  }

  private RecordingListener submit(GenerationRequest request) throws ServiceException {
    RecordingListener listener = new RecordingListener();
    requireNonNull(scheduler).submit(request, listener);
    return listener;
  }

  private static GenerationRequest request() {
    return new GenerationRequest(new int[] {1, 2, 3}, 9, SamplingOptions.GREEDY, -1, false);
  }

  private void assertServes(long epoch) throws ServiceException {
    assertThat(board.ready()).isTrue();
    assertThat(board.entry().epoch()).isEqualTo(epoch);
    RecordingListener listener = submit(request());
    loop.run();
    assertThat(listener.ids()).isEqualTo(FakeModel.generate(request()));
  }

  private List<State> states() {
    return board.entry().workers().stream().map(WorkerStatus::state).toList();
  }

  @Test
  void servesOnceTheExpectedWorkersHaveProvedThemselves() throws ServiceException {
    assertThat(board.reason()).isEqualTo("0 of 2 workers have joined");
    Link a = worker("a", 1001).join();
    assertThat(board.reason()).isEqualTo("1 of 2 workers have joined");
    assertThat(states()).containsExactly(State.WAITING);
    assertThat(board.ready()).isFalse();
    Link b = worker("b", 1002);
    b.worker.deaf.add(MessageCase.STEP);
    b.join();
    assertThat(states()).containsExactly(State.CONNECTED, State.CONNECTED);
    assertThat(board.ready()).isFalse();
    assertThat(board.reason()).isEqualTo("epoch 1: 2 ranks are running their first step");
    b.say(requireNonNull(answerLater(b)));
    loop.run();
    assertServes(1);
    Assign assign = a.assigned();
    assertThat(assign.getPeersList()).containsExactly("127.0.0.1:1001", "127.0.0.1:1002");
    assertThat(assign.getRank()).isZero();
    assertThat(assign.getKvBlocks()).isEqualTo(BLOCKS + 1);
    assertThat(assign.getHeader().toStringUtf8()).isEqualTo("header");
    assertThat(requireNonNull(b.worker.welcome).getTimeoutMillis()).isEqualTo(10_000);
    assertThat(board.entry().workers().getFirst().weightBytes()).isEqualTo(1000);
  }

  private static @Nullable WorkerMessage answerLater(Link link) {
    link.worker.deaf.clear();
    CoordinatorMessage step =
        link.worker.heard.stream().filter(CoordinatorMessage::hasStep).findFirst().orElseThrow();
    return link.worker.answer(step);
  }

  /** Chooses ROWS twice, and remembers what it was told. */
  private static final class Chooser implements PlanChooser {
    final List<LinkSpeed> links = new ArrayList<>();
    int heldRanks;

    @Override
    public ShardPlan choose(MachineSpeed machine, LinkSpeed link, ToIntFunction<ShardPlan> held) {
      assertThat(machine).isEqualTo(FakeWorker.SPEED);
      links.add(link);
      heldRanks = held.applyAsInt(rows());
      assertThat(held.applyAsInt(ShardPlan.of(FakeModel.spec(), PlanOptions.of(2)))).isZero();
      return rows();
    }

    static ShardPlan rows() {
      return ShardPlan.of(FakeModel.spec(), new PlanOptions(2, List.of(), Split.ROWS, Split.ROWS));
    }

    @Override
    public ShardNeeds needs(ShardPlan plan) {
      return ShardNeeds.of(plan, rank -> 1 << 20, BLOCKS + 1, KvPrecision.F32);
    }
  }

  private Link workerAt(String host, String name, int port) {
    Hello hello = FakeWorker.hello(name, port).setPeerAddress(host + ":" + port).build();
    return new Link(new FakeWorker(FakeModel.spec(), hello));
  }

  @Test
  void measuresLinksBeforeItChoosesSplits() throws ServiceException {
    Chooser chooser = new Chooser();
    cluster = cluster(2, chooser);
    Link a = workerAt("10.0.0.1", "a", 1001).join();
    assertThat(a.worker.heard).noneMatch(CoordinatorMessage::hasAssign);
    Link b = workerAt("10.0.0.2", "b", 1001).join();
    assertServes(1);
    for (Link link : List.of(a, b)) {
      assertThat(link.assigned().getPlan().getOutputSplit()).isEqualTo("ROWS");
      assertThat(link.worker.heard.stream().filter(m -> !m.getPing().getPayload().isEmpty()))
          .hasSize(3);
    }
    assertThat(chooser.links).hasSize(1);
    assertThat(chooser.links.getFirst().latencySeconds()).isZero(); // by the test's clock
    b.die();
    workerAt("10.0.0.2", "b", 1002).join();
    loop.advance(Duration.ofSeconds(1));
    assertServes(2);
    assertThat(chooser.links).as("chosen once").hasSize(1);
  }

  @Test
  void aLinkThatCannotBeMeasuredCountsAsSlow() throws ServiceException {
    Chooser chooser = new Chooser();
    cluster = cluster(2, chooser);
    workerAt("10.0.0.1", "a", 1001).join();
    Link b = workerAt("10.0.0.2", "b", 1001);
    b.worker.deaf.add(MessageCase.PING);
    b.join();
    assertThat(chooser.links).isEmpty();
    b.worker.deaf.clear();
    loop.advance(Duration.ofSeconds(3));
    assertThat(chooser.links).hasSize(1);
    assertThat(chooser.links.getFirst().latencySeconds()).isEqualTo(0.05);
    assertServes(1);
  }

  @Test
  void workersOfOneMachineShareMemory() throws ServiceException {
    Chooser chooser = new Chooser();
    cluster = cluster(2, chooser);
    worker("a", 1001).join();
    worker("b", 1002).join();
    assertServes(1);
    assertThat(chooser.links).containsExactly(LinkSpeed.SAME_MACHINE);
  }

  /** One that has packed a rank's shard of the chooser's plan, and the other's before that. */
  private Link workerThatHolds(int rank, int port) {
    Hello.Builder hello = FakeWorker.hello("new name " + port, port);
    for (int held : new int[] {rank, 1 - rank}) {
      hello.addHeld(
          HeldShard.newBuilder()
              .setCheckpoint("fingerprint")
              .setPlanDigest(Chooser.rows().digest())
              .setRank(held));
    }
    return new Link(new FakeWorker(FakeModel.spec(), hello.build()));
  }

  @Test
  void aNewCoordinatorGivesEachTheShardThatItHas() throws ServiceException {
    Chooser chooser = new Chooser();
    cluster = cluster(2, chooser);
    Link second = workerThatHolds(1, 1001).join();
    Link first = workerThatHolds(0, 1002).join();
    assertServes(1);
    assertThat(chooser.heldRanks).isEqualTo(2);
    assertThat(first.assigned().getRank()).isZero();
    assertThat(second.assigned().getRank()).isEqualTo(1);
  }

  @Test
  void aShardOfAnotherModelOrPlanCountsForNothing() throws ServiceException {
    Chooser chooser = new Chooser();
    cluster = cluster(2, chooser);
    Link other = workerThatHolds(1, 1001);
    Hello.Builder hello = other.worker.hello().getHello().toBuilder();
    hello.getHeldBuilderList().forEach(held -> held.setCheckpoint("another"));
    Link joined = new Link(new FakeWorker(FakeModel.spec(), hello.build())).join();
    worker("b", 1002).join();
    assertServes(1);
    assertThat(chooser.heldRanks).isZero();
    assertThat(joined.assigned().getRank()).isZero();
  }

  @Test
  void readinessNeedsAStepNow() {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    assertThat(board.ready()).isTrue();
    loop.advance(Duration.ofSeconds(30));
    assertThat(board.ready()).isTrue();
    a.worker.deaf.add(MessageCase.STEP);
    b.worker.deaf.add(MessageCase.STEP);
    loop.advance(Duration.ofSeconds(13));
    assertThat(board.ready()).isFalse();
    assertThat(board.reason()).startsWith("epoch 1: no step has succeeded for 1");
  }

  @Test
  void aWorkerThatDiesInAStepFailsItAndTheNextEpochServes() throws ServiceException {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    b.worker.deaf.add(MessageCase.STEP);
    RecordingListener listener = submit(request());
    loop.run();
    b.die();
    assertThat(board.ready()).isFalse();
    assertThat(listener.error).isNull(); // for a moment: the other may know more
    a.say(
        failure(
            RankFailure.newBuilder()
                .setEpoch(1)
                .setStep(2)
                .setCode(FailureCode.PEER_LOST)
                .setMissingRank(1)
                .setLayer(5)
                .setPoint("DOWN")
                .setMessage("the stream broke")));
    loop.run();
    ServiceException error = requireNonNull(listener.error);
    assertThat(error.code()).isEqualTo(ErrorCode.WORKER_LOST);
    assertThat(error)
        .hasMessage(
            "epoch 1, step 2, layer 5, exchange DOWN: rank 1 (b at 127.0.0.1:1002) is missing, says rank 0 (a at 127.0.0.1:1001): PEER_LOST: the stream broke; epoch 1, step 2: rank 1 (b at 127.0.0.1:1002) is gone: its connection broke");
    assertThat(board.reason()).startsWith("1 of 2 workers have joined; epoch 1, step 2, layer 5");
    loop.advance(Duration.ofSeconds(5));
    assertThat(board.ready()).isFalse();
    Link again = worker("b", 1003).join();
    assertServes(2);
    assertThat(again.assigned().getRank()).isEqualTo(1);
    assertThat(again.assigned().getEpoch()).isEqualTo(2);
  }

  @Test
  void withoutAWitnessTheRequestFailsAllTheSame() throws ServiceException {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    a.worker.deaf.add(MessageCase.STEP);
    RecordingListener listener = submit(request());
    loop.run();
    b.die();
    loop.advance(Duration.ofMillis(500));
    assertThat(requireNonNull(listener.error))
        .hasMessage("epoch 1, step 2: rank 1 (b at 127.0.0.1:1002) is gone: its connection broke");
  }

  @Test
  void theRankThatOthersWaitForIsNamedNotTheOneThatWaitsForIt() throws ServiceException {
    List<Link> ranks = threeOfWhomTheLastIsFrozen();
    RecordingListener listener = submit(request());
    loop.run();
    ranks.get(0).say(missed(1, "DOWN")); // it got what rank 2 sent before it froze, rank 1 did not
    loop.run();
    assertThat(listener.error).isNull();
    assertThat(board.ready()).isFalse();
    ranks.get(1).say(missed(2, "GATED"));
    loop.run();
    assertThat(requireNonNull(listener.error))
        .hasMessageStartingWith("epoch 1, step 2, layer 5, exchange GATED: rank 2 (")
        .hasMessageContaining("is missing, says rank 1 (");
  }

  @Test
  void theFirstReportCountsWhereTwoRanksMissEachOther() throws ServiceException {
    List<Link> ranks = threeOfWhomTheLastIsFrozen();
    RecordingListener listener = submit(request());
    loop.run();
    ranks.get(1).say(missed(0, "DOWN"));
    ranks.get(0).say(missed(1, "DOWN"));
    loop.run();
    assertThat(listener.error).isNull(); // rank 2 may know more
    loop.advance(Duration.ofMillis(500));
    assertThat(requireNonNull(listener.error))
        .hasMessageStartingWith("epoch 1, step 2, layer 5, exchange DOWN: rank 0 (")
        .hasMessageContaining("is missing, says rank 1 (");
  }

  /** Links by rank; rank 2 answers no step any more. */
  private List<Link> threeOfWhomTheLastIsFrozen() {
    cluster = cluster(3);
    List<Link> links = new ArrayList<>();
    for (int port = 1001; port <= 1003; port++) {
      links.add(worker("w" + port, port).join());
    }
    links.sort(Comparator.comparingInt(link -> link.assigned().getRank()));
    links.get(2).worker.deaf.add(MessageCase.STEP);
    return links;
  }

  @Test
  void aSpareTakesThePlace() throws ServiceException {
    Link a = worker("a", 1001).join();
    worker("b", 1002).join();
    Link spare = worker("c", 1003).join();
    assertThat(spare.worker.assign).isNull();
    assertThat(states()).containsExactly(State.CONNECTED, State.CONNECTED, State.SPARE);
    a.die(); // between steps
    assertThat(board.ready()).isFalse();
    loop.advance(Duration.ofSeconds(1));
    assertServes(2);
    assertThat(spare.assigned().getRank()).isZero();
  }

  @Test
  void aWorkerThatLeavesIsLost() throws ServiceException {
    Link a = worker("a", 1001).join();
    worker("b", 1002).join();
    a.say(WorkerMessage.newBuilder().setLeave(Leave.newBuilder().setReason("terminated")).build());
    loop.run();
    assertThat(requireNonNull(a.ended).isOk()).isTrue();
    assertThat(board.reason())
        .isEqualTo(
            "1 of 2 workers have joined; epoch 1, step 1: rank 0 (a at 127.0.0.1:1001) is gone: it left: terminated");
  }

  @Test
  void silenceEndsAMembershipAndTheRestServesWithoutIt() throws ServiceException {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    worker("c", 1003).join();
    a.worker.deaf.add(MessageCase.STEP); // it waits for the other, in an exchange
    b.worker.deaf.addAll(List.of(MessageCase.STEP, MessageCase.PING));
    RecordingListener listener = submit(request());
    loop.run();
    loop.advance(Duration.ofSeconds(10));
    assertThat(listener.error).isNull();
    loop.advance(Duration.ofMillis(1500));
    // Silence of 10 s ended its membership, and the step with it.
    assertThat(requireNonNull(listener.error).code()).isEqualTo(ErrorCode.WORKER_LOST);
    assertThat(listener.error)
        .hasMessageStartingWith("epoch 1, step 2: rank 1 (b at 127.0.0.1:1002)")
        .hasMessageContaining("said nothing for");
    assertThat(requireNonNull(b.ended).getDescription()).contains("said nothing");
    a.worker.deaf.clear();
    loop.advance(Duration.ofSeconds(1));
    assertServes(2);
  }

  @Test
  void aWorkerThatAnswersNoStepButPingsTimesOut() throws ServiceException {
    worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    b.worker.deaf.add(MessageCase.STEP);
    RecordingListener listener = submit(request());
    loop.run();
    loop.advance(Duration.ofSeconds(5));
    assertThat(requireNonNull(listener.error))
        .hasMessage(
            "epoch 1, step 2: rank 1 (b at 127.0.0.1:1002): no answer to step 2 after another rank's"
                + " within 5000 ms");
    b.worker.deaf.clear();
    loop.advance(Duration.ofSeconds(1));
    assertServes(2); // with the same workers, once they have answered
  }

  @Test
  void whoHasNotAnsweredSinceALossIsNotInTheNextPlan() throws ServiceException {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    b.worker.deaf.add(MessageCase.PING);
    a.say(
        failure(
            RankFailure.newBuilder()
                .setEpoch(1)
                .setStep(1)
                .setCode(FailureCode.EXCHANGE_TIMEOUT)
                .setMissingRank(1)
                .setLayer(0)
                .setPoint("HEADS")
                .setMessage("rank 1 sent nothing for 5000 ms")));
    loop.advance(Duration.ofSeconds(5));
    assertThat(board.entry().epoch()).isEqualTo(1);
    worker("c", 1003).join();
    assertServes(2);
  }

  @Test
  void loadAndConnectHaveDeadlinesThatNameTheRank() {
    Link a = worker("a", 1001);
    a.worker.deaf.add(MessageCase.ASSIGN);
    a.join();
    Link b = worker("b", 1002).join();
    loop.advance(Duration.ofMinutes(10));
    assertThat(board.reason())
        .contains("epoch 1: rank 0 (a at 127.0.0.1:1001) did not load its shard within 600000 ms");
    a.worker.deaf.clear();
    b.worker.deaf.add(MessageCase.CONNECT_PEERS);
    loop.advance(Duration.ofSeconds(31));
    assertThat(board.reason())
        .contains(
            "epoch 2: rank 1 (b at 127.0.0.1:1002) did not connect with its peers within 30000 ms");
    b.worker.deaf.clear();
    loop.advance(Duration.ofSeconds(4));
    assertThat(board.ready()).isTrue();
    assertThat(board.entry().epoch()).isEqualTo(3);
  }

  @Test
  void aWorkerThatCannotLoadIsReleased() {
    Link a = worker("a", 1001);
    a.worker.deaf.add(MessageCase.ASSIGN);
    a.join();
    worker("b", 1002).join();
    a.say(
        failure(
            RankFailure.newBuilder()
                .setEpoch(1)
                .setCode(FailureCode.LOAD_FAILED)
                .setMissingRank(-1)
                .setLayer(-1)
                .setMessage("blk.0.attn_q.weight fails its checksum")));
    loop.run();
    assertThat(requireNonNull(a.ended).getDescription()).contains("fails its checksum");
    assertThat(a.worker.heard.getLast().getRelease().getReason()).contains("checksum");
    assertThat(board.reason())
        .isEqualTo(
            "1 of 2 workers have joined; epoch 1: rank 0 (a at 127.0.0.1:1001): LOAD_FAILED: blk.0.attn_q.weight fails its checksum");
  }

  @Test
  void whoCannotBeAMemberIsToldWhy() {
    refused(FakeWorker.hello("a", 1).setProtocolVersion(99), "speaks protocol 99");
    refused(FakeWorker.hello("a", 1).setSoftwareVersion("0.0.1"), "of release '0.0.1'");
    refused(FakeWorker.hello("a", 1).setName(" "), "needs a name");
    refused(FakeWorker.hello("a", 1).setInstance(""), "needs an instance");
    refused(FakeWorker.hello("a", 1).setPeerAddress("node"), "'node' is not host:port");
    refused(FakeWorker.hello("a", 1).setPeerAddress("0.0.0.0:80"), "none that its peers can dial");
    refused(
        FakeWorker.hello("a", 1).setMemoryBytes(1 << 20),
        "may use 1.0 MiB of memory; even rank 0 needs 1.3 MiB (1.0 MiB of weights and 0.3 MiB of KV cache)");
    assertThat(board.entry().workers()).isEmpty();
  }

  private void refused(Hello.Builder hello, String why) {
    Link link = new Link(new FakeWorker(FakeModel.spec(), hello.build())).join();
    assertThat(link.member).isNull();
    Status status = requireNonNull(link.ended);
    assertThat(status.getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(status.getDescription()).contains(why);
  }

  @Test
  void aReconnectReplacesTheOldMembership() throws ServiceException {
    worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    assertServes(1);
    Link again = worker("b", 1002).join();
    assertThat(requireNonNull(b.ended).getCode()).isEqualTo(Status.Code.ABORTED);
    loop.advance(Duration.ofSeconds(1));
    assertServes(2);
    assertThat(again.assigned().getRank()).isEqualTo(1);
  }

  @Test
  void staleAnswersAreIgnored() throws ServiceException {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    b.die();
    worker("b", 1003).join();
    loop.advance(Duration.ofSeconds(1));
    assertThat(board.entry().epoch()).isEqualTo(2);
    a.say(failure(RankFailure.newBuilder().setEpoch(1).setStep(1).setCode(FailureCode.PEER_LOST)));
    a.say(
        WorkerMessage.newBuilder()
            .setStepResult(StepResult.newBuilder().setEpoch(1).setStep(1))
            .build());
    loop.run();
    assertServes(2);
  }

  @Test
  void closingReleasesAll() {
    Link a = worker("a", 1001).join();
    Link b = worker("b", 1002).join();
    cluster.close();
    cluster.close();
    for (Link link : List.of(a, b)) {
      assertThat(link.worker.heard.getLast().hasRelease()).isTrue();
      assertThat(requireNonNull(link.ended).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    }
    assertThat(board.ready()).isFalse();
    assertThat(requireNonNull(worker("c", 1003).join().ended).getDescription())
        .contains("shutting down");
  }

  private static WorkerMessage missed(int rank, String point) {
    return failure(
        RankFailure.newBuilder()
            .setEpoch(1)
            .setStep(2)
            .setCode(FailureCode.EXCHANGE_TIMEOUT)
            .setMissingRank(rank)
            .setLayer(5)
            .setPoint(point)
            .setMessage("sent nothing"));
  }

  private static WorkerMessage failure(RankFailure.Builder failure) {
    return WorkerMessage.newBuilder().setFailure(failure).build();
  }
}
