package io.ladon.worker.member;

import io.grpc.Channel;
import io.ladon.proto.Assign;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FailureCode;
import io.ladon.proto.Hello;
import io.ladon.proto.Pong;
import io.ladon.proto.Release;
import io.ladon.proto.Step;
import io.ladon.proto.WorkerMessage;
import io.ladon.worker.exchange.PeerExchange;
import io.ladon.worker.exchange.PeerMesh;
import io.ladon.worker.exchange.PeerNetwork;
import io.ladon.worker.join.CoordinatorLink;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what the coordinator's messages ask. They arrive as callbacks, some of them in the middle of
 * a step: what must not wait (a Ping, an Assign that makes the step pointless) is done at once,
 * what computes becomes a turn.
 */
public final class Member implements CoordinatorLink.Handler {

  private static final Logger log = LoggerFactory.getLogger(Member.class);

  private final RankLoop loop;
  private final PeerNetwork network;
  private final Loader loader;
  private final ExecutorService loaderThread;
  private final Settings settings;
  private @Nullable CoordinatorLink link;
  private @Nullable Epoch epoch;

  /**
   * What a member is told at its start.
   *
   * @param hello what it says of itself, given this side's address of the connection
   * @param connect time that peers have to connect
   * @param waiting how it waits for its peers
   * @param placement how a rank of an epoch shares this machine
   * @param shutdown called when the coordinator wants the process to end
   * @param refused told why the coordinator does not take this worker
   */
  public record Settings(
      Function<String, Hello> hello,
      Duration connect,
      Waiting waiting,
      Function<Assign, Placement> placement,
      Runnable shutdown,
      Consumer<String> refused) {}

  /**
   * @param loaderThread where shards are loaded, one after the other
   */
  public Member(
      RankLoop loop,
      PeerNetwork network,
      Loader loader,
      ExecutorService loaderThread,
      Settings settings) {
    this.loop = loop;
    this.network = network;
    this.loader = loader;
    this.loaderThread = loaderThread;
    this.settings = settings;
  }

  /** The stream that answers go to. */
  public void link(CoordinatorLink newLink) {
    link = newLink;
  }

  @Override
  public Hello hello(String localHost) {
    return settings.hello().apply(localHost).toBuilder().addAllHeld(loader.held()).build();
  }

  @Override
  public void onLost(String reason) {
    endEpoch("the coordinator is lost");
  }

  @Override
  public void onRefused(String reason) {
    settings.refused().accept(reason);
  }

  @Override
  public void onMessage(CoordinatorMessage message) {
    switch (message.getMessageCase()) {
      case ASSIGN -> assign(message.getAssign());
      case CONNECT_PEERS -> {
        Epoch current = current(message.getConnectPeers().getEpoch(), 0);
        if (current != null) {
          current.connect(settings.connect());
        }
      }
      case STEP -> {
        Step step = message.getStep();
        Epoch current = current(step.getEpoch(), step.getStep());
        if (current != null) {
          loop.submit(() -> current.run(step));
        }
      }
      case FETCH_LOGITS -> {
        var request = message.getFetchLogits();
        Epoch current = current(request.getEpoch(), request.getStep());
        if (current != null) {
          loop.submit(() -> current.logits(request));
        }
      }
      case PING ->
          reply(
              WorkerMessage.newBuilder()
                  .setPong(
                      Pong.newBuilder()
                          .setNonce(message.getPing().getNonce())
                          .setPayload(message.getPing().getPayload()))
                  .build());
      case RELEASE -> release(message.getRelease());
      case WELCOME, LOCAL_OFFER, MESSAGE_NOT_SET ->
          log.warn("event=message_ignored case={}", message.getMessageCase());
    }
  }

  private void assign(Assign assign) {
    endEpoch("epoch " + assign.getEpoch() + " begins");
    Channel channel = link == null ? null : link.channel();
    if (channel == null) {
      return;
    }
    int ranks = assign.getPlan().getRanks();
    if (assign.getRank() >= ranks || assign.getPeersCount() != ranks) {
      reply(
          Failures.of(
              assign.getEpoch(),
              0,
              FailureCode.PLAN_MISMATCH,
              "rank %d of %d with %d peers"
                  .formatted(assign.getRank(), ranks, assign.getPeersCount())));
      return;
    }
    log.info(
        "event=assigned epoch={} rank={} ranks={}", assign.getEpoch(), assign.getRank(), ranks);
    Placement placement = settings.placement().apply(assign);
    Waiting waiting = placement.isCrowded() ? settings.waiting().crowded() : settings.waiting();
    PeerMesh mesh = network.join(assign.getEpoch(), assign.getRank(), ranks);
    PeerExchange exchange =
        new PeerExchange(loop, mesh, Duration.ofMillis(assign.getExchangeTimeoutMillis()), waiting);
    Epoch next = new Epoch(loop, assign, mesh, exchange, waiting, this::reply);
    epoch = next;
    // A turn, so that what the last epoch held is freed before.
    loop.submit(
        () -> {
          placement.cpus().confine();
          loaderThread.execute(() -> load(next, placement, channel));
        });
  }

  /** On the loader's thread. */
  private void load(Epoch of, Placement placement, Channel channel) {
    if (of.isVoid()) {
      return;
    }
    try {
      placement.cpus().confine(); // with the threads of the shard's team, which it starts
      Loader.Result result =
          loader.load(of.assign(), of.exchange(), placement.isCrowded(), channel, of::isVoid);
      if (of.isVoid()) {
        result.shard().close(); // before the next load begins
        return;
      }
      loop.execute(() -> of.loaded(result.shard(), result.largestPart(), result.fetchedBytes()));
    } catch (Exception | Error e) {
      loop.execute(() -> of.loadFailed(e));
    }
  }

  private void release(Release release) {
    endEpoch("released: " + release.getReason());
    log.info(
        "event=released shutdown={} reason=\"{}\"", release.getShutdown(), release.getReason());
    CoordinatorLink current = link;
    if (release.getShutdown()) {
      settings.shutdown().run();
    } else if (current != null) {
      current.redial("released: " + release.getReason());
    }
  }

  /** Membership ends. */
  public void close() {
    endEpoch("the worker is closed");
  }

  private void endEpoch(String reason) {
    Epoch old = epoch;
    epoch = null;
    if (old != null) {
      old.end(reason);
    }
  }

  private @Nullable Epoch current(long number, long step) {
    Epoch current = epoch;
    if (current != null && current.number() == number) {
      return current;
    }
    reply(
        Failures.of(
            number,
            step,
            FailureCode.STALE_EPOCH,
            current == null
                ? "this worker is in no epoch"
                : "this worker is in epoch " + current.number()));
    return null;
  }

  private void reply(WorkerMessage message) {
    CoordinatorLink to = link;
    if (to != null) {
      to.send(message);
    }
  }
}
