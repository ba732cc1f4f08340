package io.ladon.coordinator;

import io.ladon.coordinator.cluster.Cluster;
import io.ladon.coordinator.cluster.ClusterServer;
import io.ladon.coordinator.cluster.ClusterService;
import io.ladon.coordinator.cluster.ClusterSetup;
import io.ladon.coordinator.cluster.LocalServer;
import io.ladon.coordinator.cluster.MessageSizes;
import io.ladon.coordinator.cluster.NettyLoop;
import io.ladon.coordinator.cluster.SliceChecksums;
import io.ladon.coordinator.cluster.Slices;
import io.ladon.coordinator.cluster.StatusBoard;
import io.ladon.coordinator.generate.ClusterStatus;
import io.ladon.coordinator.generate.Generation;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.generate.ModelCard;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.WorkerStatus;
import io.ladon.coordinator.schedule.BlockPool;
import io.ladon.coordinator.schedule.Scheduler;
import io.ladon.coordinator.schedule.SchedulerMetrics;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.net.Transport;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntPredicate;
import java.util.function.ToIntFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything of a coordinator but the API: the loop, the scheduler, the cluster and its server. */
final class ClusterRuntime implements GenerationService, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ClusterRuntime.class);
  private static final int CLOSE_SECONDS = 5;

  private final CoordinatorOptions options;
  private final ModelCard card;
  private final int kvBlocks;
  private final MultiThreadIoEventLoopGroup group;
  private final NettyLoop loop;
  private final StatusBoard board;
  private final SchedulerMetrics metrics;
  private final Scheduler scheduler;
  private final Cluster cluster;
  private final Slices slices;
  private final LocalServer locals;
  private final ClusterServer server;
  private boolean closed;

  /**
   * @param file stays open until this is closed
   * @param endOfGeneration the tokens that end a text
   * @throws IOException if the model or the address cannot be used
   * @throws IllegalArgumentException if options do not fit the model; the message says what would
   */
  ClusterRuntime(
      CoordinatorOptions options,
      GgufFile file,
      IntPredicate endOfGeneration,
      MeterRegistry registry,
      InstantSource clock)
      throws IOException {
    this.options = options;
    Limits limits = options.limits();
    GgufHeader header = file.header();
    ModelSpec spec = ModelSpecs.read(header);
    PlanOptions planOptions =
        new PlanOptions(
            options.expectedWorkers(),
            options.shares(),
            options.outputSplit(),
            options.downSplit());
    ShardPlan plan = ShardPlan.of(spec, planOptions);
    int contextLength = limits.contextLength(spec);
    this.kvBlocks = limits.kvBlocks(spec);
    this.card =
        new ModelCard(options.modelId(), clock.instant().getEpochSecond(), contextLength, spec);
    CheckpointEmbeddings embeddings = new CheckpointEmbeddings(file);
    ClusterSetup setup = setup(options, file.path(), header, planOptions, plan, kvBlocks + 1);
    MessageSizes sizes =
        MessageSizes.of(
            plan,
            limits,
            setup.header().size(),
            embeddings.rowBytes(),
            header.tensors().keySet(),
            contextLength);
    Transport transport = Transport.best();
    this.group =
        new MultiThreadIoEventLoopGroup(
            1, new DefaultThreadFactory("ladon-loop", true), transport.newHandler());
    this.loop = new NettyLoop(group.next());
    this.board = new StatusBoard(loop, options.timeouts().ready());
    this.metrics = new SchedulerMetrics(registry, kvBlocks);
    this.scheduler =
        new Scheduler(
            loop,
            limits,
            options.timeouts(),
            spec.vocabularySize(),
            contextLength,
            new BlockPool(kvBlocks),
            embeddings,
            endOfGeneration,
            metrics,
            board::reason);
    this.cluster = new Cluster(loop, setup, scheduler, board);
    Path cache = options.cacheDirectory();
    this.slices =
        new Slices(
            file,
            setup.fingerprint(),
            SliceChecksums.of(
                cache == null ? null : cache.resolve("checksums"),
                file.path(),
                setup.fingerprint()));
    this.locals =
        new LocalServer(transport, group, loop, sizes.fromWorker(), options.timeouts().hello());
    this.server =
        new ClusterServer(
            options.listen().resolve(),
            transport,
            group,
            new ClusterService(loop, cluster, slices, locals, options.timeouts().hello()),
            sizes.fromWorker(),
            options.timeouts().silence());
    gauges(registry);
    log.info(
        "{}: context of {} positions, {} KV blocks, {}",
        card.id(),
        contextLength,
        kvBlocks,
        setup.needs().summary());
  }

  private static ClusterSetup setup(
      CoordinatorOptions options,
      Path path,
      GgufHeader header,
      PlanOptions planOptions,
      ShardPlan plan,
      int blocks)
      throws IOException {
    MeasuredPlan chooser =
        new MeasuredPlan(header, planOptions, plan, blocks, options.kvPrecision());
    return new ClusterSetup(
        plan,
        chooser.hasChoice() ? chooser : null,
        options.shares(),
        chooser.needs(plan),
        ClusterSetup.header(header.encodeWithoutTokenizer()),
        header.fingerprint(),
        path.toAbsolutePath().toString(),
        blocks,
        options.kvPrecision().wireName(),
        options.limits(),
        options.timeouts());
  }

  private void gauges(MeterRegistry registry) {
    Gauge.builder("ladon.cluster.ready", () -> board.ready() ? 1 : 0)
        .description("Whether a step through all ranks has lately succeeded")
        .register(registry);
    Gauge.builder("ladon.cluster.epoch", () -> board.entry().epoch())
        .description("Number of the latest plan")
        .register(registry);
    Gauge.builder("ladon.cluster.workers", () -> board.entry().workers().size())
        .description("Workers that have joined")
        .register(registry);
    Gauge.builder("ladon.cluster.workers.expected", options::expectedWorkers)
        .description("Workers that the plan is for")
        .register(registry);
    links(registry, "shared-memory", WorkerStatus::sharedMemoryPeers);
    links(registry, "grpc", WorkerStatus::grpcPeers);
  }

  private void links(MeterRegistry registry, String exchange, ToIntFunction<WorkerStatus> peers) {
    Gauge.builder("ladon.rank.links", () -> board.entry().workers().stream().mapToInt(peers).sum())
        .description("Peers that ranks exchange parts with, by how the parts travel")
        .tag("exchange", exchange)
        .register(registry);
  }

  /**
   * Listens for workers.
   *
   * @throws IOException if the address cannot be had
   */
  void start() throws IOException {
    locals.start();
    server.start();
    cluster.start();
    log.info(
        "waiting for {} workers on {}",
        options.expectedWorkers(),
        new HostPort(options.listen().host(), server.port()));
  }

  /** The port on which workers join. */
  int port() {
    return server.port();
  }

  boolean awaitReady(Duration limit) throws InterruptedException {
    return board.awaitReady(limit);
  }

  @Override
  public ModelCard model() {
    return card;
  }

  @Override
  public ClusterStatus status() {
    StatusBoard.Entry entry = board.entry();
    return new ClusterStatus(
        board.ready(),
        board.reason(),
        entry.epoch(),
        options.expectedWorkers(),
        entry.workers(),
        metrics.running(),
        metrics.queued(),
        metrics.freeBlocks(),
        kvBlocks);
  }

  @Override
  public Generation submit(GenerationRequest request, GenerationListener listener)
      throws ServiceException {
    return scheduler.submit(request, listener);
  }

  /** Fails what runs, releases the workers, and stops listening. Idempotent. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    CompletableFuture<Void> closed = CompletableFuture.runAsync(cluster::close, loop::execute);
    try {
      closed.get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      log.warn("the cluster did not close in order", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.close();
    locals.close();
    slices.close();
    if (!group
        .shutdownGracefully(0, CLOSE_SECONDS, TimeUnit.SECONDS)
        .awaitUninterruptibly(CLOSE_SECONDS, TimeUnit.SECONDS)) {
      log.warn("the loop still runs after {} s", CLOSE_SECONDS);
    }
  }
}
