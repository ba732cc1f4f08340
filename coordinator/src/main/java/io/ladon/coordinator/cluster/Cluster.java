package io.ladon.coordinator.cluster;

import io.grpc.Status;
import io.ladon.coordinator.cluster.Epoch.Phase;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.WorkerStatus;
import io.ladon.coordinator.schedule.Loop;
import io.ladon.coordinator.schedule.Ranks;
import io.ladon.coordinator.schedule.Scheduler;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.ConnectPeers;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FailureCode;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.Hello;
import io.ladon.proto.Loaded;
import io.ladon.proto.PeersReady;
import io.ladon.proto.Ping;
import io.ladon.proto.RankFailure;
import io.ladon.proto.Release;
import io.ladon.proto.Step;
import io.ladon.proto.Welcome;
import io.ladon.proto.WorkerMessage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is a member, and which plan is in force. When as many workers as expected have joined, a new
 * epoch begins: they load, connect with each other, run a step for proof, and serve. When one of
 * them is lost the epoch is over, with all requests; once enough workers are there that have
 * answered since, the next epoch begins.
 *
 * <p>All methods are called on the loop, except where they say otherwise.
 */
public final class Cluster {

  private static final Logger log = LoggerFactory.getLogger(Cluster.class);

  /** How long the others may take, after one, to say in which exchange they missed which rank. */
  private static final Duration WITNESS_GRACE = Duration.ofMillis(500);

  private static final int LONGEST_REPLAN_FACTOR = 16;

  private final Loop loop;
  private ClusterSetup setup; // the splits of its plan are chosen before the first epoch
  private final Scheduler scheduler;
  private final StatusBoard board;
  private final LinkProbe links;
  private final Map<Long, Member> members = new LinkedHashMap<>(); // in the order of joining
  private final @Nullable String[] formerNames; // by rank

  private @Nullable Epoch epoch;
  private long epochs; // number of the latest
  private long joins;
  private long pings; // nonce of the latest Ping
  private int failures; // epochs in a row that never served
  private boolean pausing; // before a new plan
  private boolean closed;
  private String latestLoss = ""; // why the latest epoch is over

  public Cluster(Loop loop, ClusterSetup setup, Scheduler scheduler, StatusBoard board) {
    this.loop = loop;
    this.setup = setup;
    this.scheduler = scheduler;
    this.board = board;
    this.links = new LinkProbe(loop, () -> ++pings);
    this.formerNames = new String[setup.ranks()];
    publish();
  }

  /** Begins to take members, and to look after them. Any thread. */
  public void start() {
    loop.execute(this::heartbeat);
  }

  // ------------------------------------------------------------------ members

  /** A worker's Hello: makes it a member, or tells it why not and ends the link. */
  public @Nullable Member join(Hello hello, MemberLink link) {
    String problem =
        closed ? "the coordinator is shutting down" : HelloCheck.problem(hello, setup.needs());
    if (problem != null) {
      log.warn("worker {} is refused: {}", hello.getName(), problem);
      link.end((closed ? Status.UNAVAILABLE : Status.FAILED_PRECONDITION).withDescription(problem));
      return null;
    }
    for (Member other : List.copyOf(members.values())) {
      if (other.hello.getInstance().equals(hello.getInstance())
          || other.hello.getPeerAddress().equals(hello.getPeerAddress())) {
        gone(other, "replaced by a new connection of " + hello.getName());
        other.link.end(Status.ABORTED.withDescription("replaced by a new connection"));
      }
    }
    Member member = new Member(++joins, hello, link, loop.nanoTime());
    members.put(member.id, member);
    log.info("{} has joined ({} of {})", member, members.size(), setup.ranks());
    link.send(
        CoordinatorMessage.newBuilder()
            .setWelcome(
                Welcome.newBuilder()
                    .setMember(member.id)
                    .setHeartbeatMillis(setup.timeouts().heartbeat().toMillis())
                    .setTimeoutMillis(setup.timeouts().silence().toMillis()))
            .build());
    plan();
    publish();
    return member;
  }

  /** A member's stream has ended. */
  public void gone(Member member, String how) {
    if (members.remove(member.id) == null) {
      return;
    }
    log.warn("{} is gone: {}", member, how);
    links.forget(member);
    Epoch current = epoch;
    if (current == null || !current.has(member)) {
      publish();
      return;
    }
    String text =
        "epoch %d%s: %s is gone: %s"
            .formatted(current.number, stepText(current), current.describe(member.rank), how);
    if (scheduler.stepping() && current.members.size() > 1) {
      // The others miss it in an exchange, and say in which.
      Loss loss = loss(current);
      loss.gone(member.rank, text);
      endOrWait(current, loss);
    } else {
      end(current, text);
    }
  }

  /** The epoch is about to be over; with the first word of it the others' time begins. */
  private Loss loss(Epoch current) {
    Loss loss = current.loss;
    if (loss != null) {
      return loss;
    }
    Loss begun = new Loss(current);
    current.loss = begun;
    loop.schedule(WITNESS_GRACE, () -> end(current, begun.text()));
    return begun;
  }

  private void endOrWait(Epoch current, Loss loss) {
    if (loss.complete()) {
      end(current, loss.text());
    } else {
      publish();
    }
  }

  private String stepText(Epoch current) {
    return current.phase.compareTo(Phase.PROVING) < 0 ? "" : ", step " + scheduler.step();
  }

  /** A message from a member. */
  public void onMessage(Member member, WorkerMessage message) {
    if (!members.containsKey(member.id)) {
      return;
    }
    member.heardNanos = loop.nanoTime();
    switch (message.getMessageCase()) {
      case LOADED -> onLoaded(member, message.getLoaded());
      case PEERS_READY -> {
        PeersReady linked = message.getPeersReady();
        if (isCurrent(member, linked.getEpoch(), Phase.CONNECTING)) {
          member.sharedMemoryPeers = linked.getSharedMemoryPeers();
          member.grpcPeers = linked.getGrpcPeers();
          member.state = WorkerStatus.State.CONNECTED;
          reached(member);
        }
      }
      case STEP_RESULT -> {
        Epoch current = epoch;
        if (current != null
            && current.has(member)
            && message.getStepResult().getEpoch() == current.number) {
          scheduler.onResult(member.rank, message.getStepResult());
        }
      }
      case LOGITS -> {
        Epoch current = epoch;
        if (current != null
            && current.has(member)
            && message.getLogits().getEpoch() == current.number) {
          scheduler.onLogits(member.rank, message.getLogits());
        }
      }
      case FAILURE -> onFailure(member, message.getFailure());
      case PONG -> {
        member.answered = Math.max(member.answered, message.getPong().getNonce());
        links.onPong(member, message.getPong());
        plan();
      }
      case LEAVE -> {
        gone(member, "it left: " + message.getLeave().getReason());
        member.link.end(Status.OK);
      }
      case HELLO, LOCAL_LINK, MESSAGE_NOT_SET ->
          expel(member, "sent a message that makes no sense here");
    }
  }

  private boolean isCurrent(Member member, long number, Phase phase) {
    Epoch current = epoch;
    return current != null
        && current.number == number
        && current.phase == phase
        && current.has(member);
  }

  /** Ends a membership from this side; the worker may join again. */
  private void expel(Member member, String why) {
    member.link.send(
        CoordinatorMessage.newBuilder().setRelease(Release.newBuilder().setReason(why)).build());
    member.link.end(Status.FAILED_PRECONDITION.withDescription(why));
    gone(member, why);
  }

  private void heartbeat() {
    if (closed) {
      return;
    }
    long silenceNanos = setup.timeouts().silence().toNanos();
    for (Member member : List.copyOf(members.values())) {
      if (loop.nanoTime() - member.heardNanos > silenceNanos) {
        expel(
            member,
            "said nothing for %d ms".formatted((loop.nanoTime() - member.heardNanos) / 1_000_000));
      }
    }
    ping(false);
    loop.schedule(setup.timeouts().heartbeat(), this::heartbeat);
  }

  /**
   * @param must whether a member that does not answer this may not be in the next plan
   */
  private void ping(boolean must) {
    long nonce = ++pings;
    CoordinatorMessage ping =
        CoordinatorMessage.newBuilder().setPing(Ping.newBuilder().setNonce(nonce)).build();
    for (Member member : members.values()) {
      if (must) {
        member.mustAnswer = nonce;
      }
      member.link.send(ping);
    }
  }

  // ------------------------------------------------------------------ epochs

  /** Begins an epoch, if none is in force and enough workers are there. */
  private void plan() {
    if (epoch != null || closed || pausing) {
      return;
    }
    List<Member> alive = members.values().stream().filter(Member::alive).toList();
    if (alive.size() < setup.ranks()) {
      return;
    }
    if (setup.chooser() != null) {
      if (!links.knows(alive)) {
        links.measure(alive, this::plan);
        return;
      }
      setup = setup.chosen(Member.slowest(alive), links.slowest(alive), alive);
    }
    Placement placement = Placement.of(alive, formerNames, setup);
    if (placement.problem() != null) {
      latestLoss = placement.problem();
      log.warn("no plan: {}", latestLoss);
      publish();
      return;
    }
    Epoch next = new Epoch(++epochs, placement.ranks());
    epoch = next;
    List<String> peers = next.members.stream().map(m -> m.hello.getPeerAddress()).toList();
    for (int rank = 0; rank < next.members.size(); rank++) {
      Member member = next.members.get(rank);
      member.rank = rank;
      member.formerRank = rank;
      member.state = WorkerStatus.State.LOADING;
      formerNames[rank] = member.name();
    }
    log.info(
        "epoch {}: output projection {}, down {}: {}",
        next.number,
        setup.plan().output(),
        setup.plan().down(),
        next.describe(next.awaited));
    await(next, setup.timeouts().load(), "did not load its shard");
    for (Member member : next.members) {
      member.link.send(
          CoordinatorMessage.newBuilder()
              .setAssign(setup.assign(next.number, member.rank, peers))
              .build());
    }
    publish();
  }

  private void await(Epoch current, Duration limit, String failure) {
    current.deadline =
        loop.schedule(
            limit,
            () -> {
              if (epoch == current) {
                end(
                    current,
                    "epoch %d: %s %s within %d ms"
                        .formatted(
                            current.number,
                            current.describe(current.awaited),
                            failure,
                            limit.toMillis()));
              }
            });
  }

  private void onLoaded(Member member, Loaded loaded) {
    if (isCurrent(member, loaded.getEpoch(), Phase.LOADING)) {
      member.weightBytes = loaded.getWeightBytes();
      member.cacheBytes = loaded.getCacheBytes();
      member.fetchedBytes = loaded.getFetchedBytes();
      member.state = WorkerStatus.State.LOADED;
      reached(member);
    }
  }

  /** A member has reached the end of the epoch's phase; with the last of them the next begins. */
  private void reached(Member member) {
    Epoch current = epoch;
    if (current == null) {
      return;
    }
    current.awaited.clear(member.rank);
    if (current.awaited.isEmpty()) {
      current.cancelDeadline();
      if (current.phase == Phase.LOADING) {
        current.phase = Phase.CONNECTING;
        current.awaited.set(0, current.members.size());
        await(current, setup.timeouts().connect(), "did not connect with its peers");
        sendAll(
            current,
            CoordinatorMessage.newBuilder()
                .setConnectPeers(ConnectPeers.newBuilder().setEpoch(current.number))
                .build());
      } else {
        current.phase = Phase.PROVING;
        scheduler.start(new EpochRanks(current));
      }
    }
    publish();
  }

  private void onFailure(Member member, RankFailure failure) {
    Epoch current = epoch;
    if (current == null || !current.has(member) || failure.getEpoch() != current.number) {
      log.info("{} reports a failure of epoch {}: {}", member, failure.getEpoch(), failure);
      return;
    }
    if (failure.getMissingRank() >= 0 && scheduler.stepping()) {
      Loss loss = loss(current);
      loss.report(member.rank, failure);
      endOrWait(current, loss);
      return;
    }
    String text = current.describe(member.rank, failure);
    end(current, current.withLoss(text));
    FailureCode code = failure.getCode();
    if (code == FailureCode.LOAD_FAILED
        || code == FailureCode.OUT_OF_MEMORY
        || code == FailureCode.PLAN_MISMATCH) {
      expel(member, text);
    }
  }

  /** The epoch is over, with its requests. */
  private void end(Epoch over, String why) {
    if (epoch != over) {
      return;
    }
    log.warn("epoch {} is over: {}", over.number, why);
    latestLoss = why;
    over.cancelDeadline();
    epoch = null;
    for (Member member : over.members) {
      member.rank = Member.NO_RANK;
      member.state = WorkerStatus.State.WAITING;
    }
    failures = over.phase == Phase.SERVING ? 0 : failures + 1;
    publish();
    scheduler.stop(new ServiceException(ErrorCode.WORKER_LOST, why));
    ping(true);
    pausing = true;
    int factor = Math.min(LONGEST_REPLAN_FACTOR, 1 << Math.min(failures, 10));
    loop.schedule(
        setup.timeouts().replan().multipliedBy(factor),
        () -> {
          pausing = false;
          plan();
        });
  }

  private static void sendAll(Epoch to, CoordinatorMessage message) {
    for (Member member : to.members) {
      member.link.send(message);
    }
  }

  /** The ranks of one epoch, for the scheduler. */
  private final class EpochRanks implements Ranks {

    private final Epoch current;

    EpochRanks(Epoch current) {
      this.current = current;
    }

    @Override
    public long epoch() {
      return current.number;
    }

    @Override
    public ShardPlan plan() {
      return setup.plan();
    }

    @Override
    public void send(Step step) {
      sendAll(current, CoordinatorMessage.newBuilder().setStep(step).build());
    }

    @Override
    public void send(FetchLogits request) {
      sendAll(current, CoordinatorMessage.newBuilder().setFetchLogits(request).build());
    }

    @Override
    public void succeeded() {
      board.succeeded();
      if (current.phase == Phase.PROVING) {
        current.phase = Phase.SERVING;
        failures = 0;
        log.info("epoch {} serves", current.number);
        publish();
      }
    }

    @Override
    public void failed(long step, BitSet ranks, String what) {
      String text =
          "epoch %d, step %d: %s: %s"
              .formatted(current.number, step, current.describe(ranks), what);
      end(current, current.withLoss(text));
    }
  }

  // ------------------------------------------------------------------ status

  private void publish() {
    Epoch current = epoch;
    List<WorkerStatus> ranks = new ArrayList<>();
    List<WorkerStatus> others = new ArrayList<>();
    for (Member member : members.values()) {
      if (member.rank == Member.NO_RANK) {
        member.state = current == null ? WorkerStatus.State.WAITING : WorkerStatus.State.SPARE;
        others.add(member.status());
      } else {
        ranks.add(member.status());
      }
    }
    ranks.sort((a, b) -> Integer.compare(a.rank(), b.rank()));
    ranks.addAll(others);
    boolean serving = current != null && current.phase == Phase.SERVING && current.loss == null;
    board.publish(new StatusBoard.Entry(serving, reason(current), epochs, ranks));
  }

  private String reason(@Nullable Epoch current) {
    if (closed) {
      return "the coordinator is shutting down";
    }
    if (current != null) {
      return current.loss != null
          ? current.loss.text()
          : "epoch %d: %d ranks are %s"
              .formatted(current.number, current.members.size(), current.phase.text);
    }
    String joined = "%d of %d workers have joined".formatted(members.size(), setup.ranks());
    return latestLoss.isEmpty() ? joined : joined + "; " + latestLoss;
  }

  /** Ends all memberships. */
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    String why = "the coordinator is shutting down";
    if (epoch != null) {
      epoch.cancelDeadline();
      epoch = null;
    }
    scheduler.stop(new ServiceException(ErrorCode.NOT_READY, why));
    for (Member member : members.values()) {
      member.link.send(
          CoordinatorMessage.newBuilder().setRelease(Release.newBuilder().setReason(why)).build());
      member.link.end(Status.UNAVAILABLE.withDescription(why));
    }
    members.clear();
    publish();
  }
}
