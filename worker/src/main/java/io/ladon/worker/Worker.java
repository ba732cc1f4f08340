package io.ladon.worker;

import io.ladon.net.Transport;
import io.ladon.proto.Assign;
import io.ladon.proto.Leave;
import io.ladon.proto.WorkerMessage;
import io.ladon.worker.exchange.ExchangeMode;
import io.ladon.worker.exchange.PeerNetwork;
import io.ladon.worker.join.CoordinatorLink;
import io.ladon.worker.loop.CpuSet;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import io.ladon.worker.member.Loader;
import io.ladon.worker.member.Member;
import io.ladon.worker.member.Placement;
import io.ladon.worker.shard.EngineShardFactory;
import io.ladon.worker.shard.MemoryBudget;
import io.ladon.worker.shard.ShardFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One rank as a process: joins the coordinator, loads what it is assigned, connects to its peers
 * and runs steps, until it is closed or released for good.
 */
public final class Worker implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Worker.class);
  private static final long CLOSE_SECONDS = 10;

  private final WorkerOptions options;
  private final RankLoop loop = new RankLoop("ladon-rank", Transport.best());
  private final ExecutorService loaderThread =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("ladon-loader").factory());
  private final Identity identity;
  private final PeerNetwork network;
  private final Member member;
  private final CoordinatorLink link;
  private final int threads;

  /** CPUs that the process may use; a thread that keeps to some of them would see only these. */
  private final int processors = Runtime.getRuntime().availableProcessors();

  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicBoolean closing = new AtomicBoolean();
  private volatile boolean started;
  private volatile @Nullable String refusal;

  /**
   * @throws IllegalArgumentException if kernels or bind host are unknown
   */
  public Worker(WorkerOptions options) {
    this(
        options,
        EngineShardFactory.measured(options.kernels(), options.threads(), options.warmUp()));
  }

  /** A worker with shards of a factory that is there already, or of another making. */
  public Worker(WorkerOptions options, ShardFactory factory) {
    this.options = options;
    this.threads = threads(options);
    MemoryBudget budget = MemoryBudget.of(options.memoryBytes());
    this.identity =
        new Identity(options, threads, budget.limitBytes(), factory.kernels(), factory.speed());
    this.network = new PeerNetwork(loop, bindAddress(options), options.exchange());
    this.member =
        new Member(
            loop,
            network,
            new Loader(
                factory, budget, options.cacheDirectory(), options.modelPath(), options.patience()),
            loaderThread,
            new Member.Settings(
                localHost -> identity.hello(localHost, network.port()),
                options.connect(),
                new Waiting(
                    options.spin().toNanos(), options.crowding() != WorkerOptions.Crowding.NO),
                this::placement,
                this::closeFromOutside,
                this::refused));
    this.link =
        new CoordinatorLink(
            loop,
            options.join(),
            new CoordinatorLink.Timing(
                options.connect(), firstPause(options), options.longestPause()),
            options.exchange() != ExchangeMode.GRPC,
            new SecureRandom(),
            member);
    member.link(link);
  }

  private static int threads(WorkerOptions options) {
    return options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
  }

  private static Duration firstPause(WorkerOptions options) {
    Duration usual = CoordinatorLink.Timing.defaults().firstPause();
    return options.longestPause().compareTo(usual) < 0 ? options.longestPause() : usual;
  }

  private static InetSocketAddress bindAddress(WorkerOptions options) {
    try {
      return new InetSocketAddress(
          InetAddress.getAllByName(options.bindHost())[0], options.bindPort());
    } catch (IOException e) {
      throw new IllegalArgumentException("bindHost: nobody knows " + options.bindHost(), e);
    }
  }

  /**
   * Listens for peers and begins to join; from now on it stays a member, or tries to.
   *
   * @throws IOException if the peer service cannot listen
   */
  public void start() throws IOException {
    loop.start();
    started = true;
    try {
      network.start();
    } catch (IOException e) {
      close();
      throw e;
    }
    log.info(
        "event=worker_started name={} coordinator={} peerPort={} threads={} transport={} megabytesPerSecond={} gigaOperationsPerSecond={}",
        identity.name(),
        options.join(),
        network.port(),
        threads,
        loop.transport(),
        Math.round(identity.speed().readBytesPerSecond() / 1e6),
        Math.round(identity.speed().operationsPerSecond() / 1e9));
    loop.execute(link::open);
  }

  /** Where the peer service listens. */
  public int peerPort() {
    return network.port();
  }

  /** How the ranks of an epoch that are on this machine share it; all with as many threads. */
  private Placement placement(Assign assign) {
    int rank = assign.getRank();
    String own = host(assign.getPeers(rank));
    List<Integer> here =
        IntStream.range(0, assign.getPeersCount())
            .filter(peer -> host(assign.getPeers(peer)).equals(own))
            .boxed()
            .toList();
    boolean fit = here.size() * threads <= processors;
    boolean crowded =
        switch (options.crowding()) {
          case YES -> true;
          case NO -> false;
          case AUTO -> !fit;
        };
    return new Placement(
        crowded, fit ? CpuSet.share(here.indexOf(rank), here.size(), threads) : CpuSet.all());
  }

  private static String host(String address) {
    int colon = address.lastIndexOf(':');
    return colon < 0 ? address : address.substring(0, colon);
  }

  /** The coordinator wants it; on the loop's thread, which close() waits for. */
  private void closeFromOutside() {
    Thread.ofPlatform().name("ladon-close").start(this::close);
  }

  /** On the loop's thread. */
  private void refused(String reason) {
    if (options.endsWhenRefused() && refusal == null) {
      refusal = reason;
      closeFromOutside();
    }
  }

  /** Why the coordinator did not take this worker, if that is what closed it. */
  public @Nullable String refusal() {
    return refusal;
  }

  /** Waits until the worker has been closed, from this side or by the coordinator. */
  public void awaitClosed() throws InterruptedException {
    closed.await();
  }

  /** The same with a limit; false if it passed. */
  public boolean awaitClosed(Duration limit) throws InterruptedException {
    return closed.await(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Leaves the cluster and frees everything. Idempotent; waits a bounded time. */
  @Override
  public void close() {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    if (started) {
      leave();
    }
    loaderThread.shutdownNow();
    network.close();
    loop.close();
    closed.countDown();
    log.info("event=worker_closed name={}", identity.name());
  }

  private void leave() {
    try {
      CountDownLatch left = new CountDownLatch(1);
      loop.execute(
          () -> {
            member.close();
            link.close(
                WorkerMessage.newBuilder()
                    .setLeave(Leave.newBuilder().setReason("the worker is closed"))
                    .build(),
                () -> loop.submit(left::countDown)); // behind the turns that free memory
          });
      if (!left.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        log.warn("event=close_late waitedSeconds={}", CLOSE_SECONDS);
      }
    } catch (RejectedExecutionException e) {
      // The loop has ended already.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
