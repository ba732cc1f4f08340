package io.ladon.coordinator;

import io.ladon.engine.Release;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.Assign;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.Hello;
import io.ladon.proto.Loaded;
import io.ladon.proto.PeersReady;
import io.ladon.proto.Pong;
import io.ladon.proto.Welcome;
import io.ladon.proto.WorkerMessage;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * What a worker answers to each message of the coordinator, with {@link FakeRank} for the maths. It
 * may be told to be deaf for some kinds of message.
 */
public final class FakeWorker {

  public static final MachineSpeed SPEED = new MachineSpeed(1e9, 1e11);

  /** Kinds of message that get no answer. */
  public final Set<CoordinatorMessage.MessageCase> deaf =
      EnumSet.noneOf(CoordinatorMessage.MessageCase.class);

  public final List<CoordinatorMessage> heard = new CopyOnWriteArrayList<>();
  public volatile @Nullable Welcome welcome;
  public volatile @Nullable Assign assign;

  private final ModelSpec spec;
  private final Hello hello;
  private @Nullable FakeRank rank;

  public FakeWorker(ModelSpec spec, String name, int port) {
    this(spec, hello(name, port).build());
  }

  public FakeWorker(ModelSpec spec, Hello hello) {
    this.spec = spec;
    this.hello = hello;
  }

  public static Hello.Builder hello(String name, int port) {
    return Hello.newBuilder()
        .setReadBytesPerSecond(SPEED.readBytesPerSecond())
        .setOperationsPerSecond(SPEED.operationsPerSecond())
        .setProtocolVersion(Release.PROTOCOL)
        .setSoftwareVersion(Release.VERSION)
        .setName(name)
        .setPeerAddress("127.0.0.1:" + port)
        .setThreads(1)
        .setMemoryBytes(1L << 32)
        .setCpu("fake")
        .setKernels("none")
        .setInstance(name + "#" + port);
  }

  public WorkerMessage hello() {
    return WorkerMessage.newBuilder().setHello(hello).build();
  }

  /** The answer to a message; null for none. */
  public @Nullable WorkerMessage answer(CoordinatorMessage message) {
    heard.add(message);
    if (deaf.contains(message.getMessageCase())) {
      return null;
    }
    WorkerMessage.Builder answer = WorkerMessage.newBuilder();
    switch (message.getMessageCase()) {
      case WELCOME -> welcome = message.getWelcome();
      case ASSIGN -> {
        assign = message.getAssign();
        rank = load(message.getAssign());
        answer.setLoaded(
            Loaded.newBuilder()
                .setEpoch(message.getAssign().getEpoch())
                .setWeightBytes(1000)
                .setCacheBytes(500));
      }
      case CONNECT_PEERS ->
          answer.setPeersReady(
              PeersReady.newBuilder().setEpoch(message.getConnectPeers().getEpoch()));
      case STEP -> answer.setStepResult(assigned().run(message.getStep()));
      case FETCH_LOGITS -> answer.setLogits(assigned().logits(message.getFetchLogits()));
      case PING ->
          answer.setPong(
              Pong.newBuilder()
                  .setNonce(message.getPing().getNonce())
                  .setPayload(message.getPing().getPayload()));
      case RELEASE, LOCAL_OFFER, MESSAGE_NOT_SET -> {}
    }
    return answer.getMessageCase() == WorkerMessage.MessageCase.MESSAGE_NOT_SET
        ? null
        : answer.build();
  }

  private FakeRank assigned() {
    FakeRank assigned = rank;
    if (assigned == null) {
      throw new AssertionError("a step before an assignment");
    }
    return assigned;
  }

  private FakeRank load(Assign told) {
    ShardPlan plan =
        ShardPlan.of(
            spec,
            new PlanOptions(
                told.getPlan().getRanks(),
                told.getPlan().getSharesList(),
                ShardPlan.splitOf(told.getPlan().getOutputSplit()),
                ShardPlan.splitOf(told.getPlan().getDownSplit())));
    if (!plan.digest().equals(told.getPlanDigest())) {
      throw new AssertionError("the plans differ");
    }
    return new FakeRank(plan, told.getRank(), told.getKvBlocks());
  }
}
