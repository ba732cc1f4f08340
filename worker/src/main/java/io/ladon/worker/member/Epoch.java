package io.ladon.worker.member;

import com.google.protobuf.ByteString;
import io.ladon.engine.rank.StepResult;
import io.ladon.proto.Assign;
import io.ladon.proto.FailureCode;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.Loaded;
import io.ladon.proto.PeersReady;
import io.ladon.proto.Step;
import io.ladon.proto.WorkerMessage;
import io.ladon.worker.exchange.ExchangeMode;
import io.ladon.worker.exchange.PeerExchange;
import io.ladon.worker.exchange.PeerMesh;
import io.ladon.worker.loop.RankLoop;
import io.ladon.worker.loop.Waiting;
import io.ladon.worker.shard.Shard;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This worker's part in one epoch: assigned, loaded, connected, running, and at any moment void.
 * Callbacks of the rank's loop, except where it says otherwise.
 */
final class Epoch {

  private static final Logger log = LoggerFactory.getLogger(Epoch.class);
  private static final long SMALLEST_BUFFER = 1 << 16;
  private static final int ALIGNMENT = 64;

  private final RankLoop loop;
  private final Assign assign;
  private final PeerMesh mesh;
  private final PeerExchange exchange;
  private final Waiting waiting;
  private final Consumer<WorkerMessage> reply;
  private final Arena arena = Arena.ofShared(); // allocated from and closed by turns
  private MemorySegment embeddings = MemorySegment.NULL;
  private @Nullable Shard shard;
  private boolean connected;
  private volatile boolean isVoid;

  Epoch(
      RankLoop loop,
      Assign assign,
      PeerMesh mesh,
      PeerExchange exchange,
      Waiting waiting,
      Consumer<WorkerMessage> reply) {
    this.loop = loop;
    this.assign = assign;
    this.mesh = mesh;
    this.exchange = exchange;
    this.waiting = waiting;
    this.reply = reply;
  }

  long number() {
    return assign.getEpoch();
  }

  Assign assign() {
    return assign;
  }

  PeerExchange exchange() {
    return exchange;
  }

  /** Whether a later epoch has begun, or membership ended. Any thread. */
  boolean isVoid() {
    return isVoid;
  }

  /** The shard is ready to run. */
  void loaded(Shard loadedShard, long largestPart, long fetchedBytes) {
    if (isVoid) {
      loop.submit(loadedShard::close);
      return;
    }
    shard = loadedShard;
    mesh.largestPart(largestPart);
    reply.accept(
        WorkerMessage.newBuilder()
            .setLoaded(
                Loaded.newBuilder()
                    .setEpoch(number())
                    .setWeightBytes(loadedShard.weightBytes())
                    .setCacheBytes(loadedShard.cacheBytes())
                    .setFetchedBytes(fetchedBytes))
            .build());
  }

  void loadFailed(Throwable thrown) {
    if (!isVoid) {
      log.error(
          "event=load_failed epoch={} rank={} error=\"{}\"",
          number(),
          mesh.rank(),
          thrown.getMessage(),
          trace(thrown));
      reply.accept(Failures.ofLoad(number(), thrown));
    }
  }

  void connect(Duration timeout) {
    if (shard == null) {
      reply.accept(
          Failures.of(number(), 0, FailureCode.PLAN_MISMATCH, "ConnectPeers before Loaded"));
      return;
    }
    long begin = System.nanoTime();
    mesh.connect(
        assign.getPeersList(),
        timeout,
        new PeerMesh.Listener() {
          @Override
          public void onReady() {
            connected = true;
            log.info(
                "event=peers_ready epoch={} rank={} ranks={} millis={}",
                number(),
                mesh.rank(),
                mesh.ranks(),
                (System.nanoTime() - begin) / 1_000_000);
            reply.accept(
                WorkerMessage.newBuilder()
                    .setPeersReady(
                        PeersReady.newBuilder()
                            .setEpoch(number())
                            .setSharedMemoryPeers(mesh.linked(ExchangeMode.SHARED_MEMORY))
                            .setGrpcPeers(mesh.linked(ExchangeMode.GRPC)))
                    .build());
          }

          @Override
          public void onFailure(int peerRank, String reason) {
            if (!isVoid) {
              reply.accept(Failures.ofPeer(number(), peerRank, reason));
            }
          }
        });
  }

  /** A turn: runs a step and answers. */
  void run(Step step) {
    Shard runner = shard;
    if (isVoid) {
      return;
    }
    if (runner == null || !connected) {
      reply.accept(
          Failures.of(
              number(), step.getStep(), FailureCode.BAD_STEP, "a step before the peers are ready"));
      return;
    }
    WorkerMessage answer;
    try {
      StepResult result = runner.run(Messages.step(step, land(step.getEmbeddings())));
      answer = Messages.result(result);
    } catch (RuntimeException | Error e) {
      if (!isVoid) {
        log.error(
            "event=step_failed epoch={} step={} rank={} error=\"{}\"",
            number(),
            step.getStep(),
            mesh.rank(),
            e.getMessage(),
            trace(e));
      }
      answer = Failures.ofStep(number(), step.getStep(), e);
    }
    if (!isVoid) {
      reply.accept(answer);
      loop.expectTurn(waiting, runner::readAhead);
    }
  }

  /** A turn: answers with all logits after a token of the latest step. */
  void logits(FetchLogits request) {
    Shard runner = shard;
    if (isVoid || runner == null) {
      return;
    }
    WorkerMessage answer;
    try {
      answer = Messages.logits(request, runner.logits(request.getRun(), request.getToken()));
    } catch (RuntimeException e) {
      answer = Failures.ofStep(number(), request.getStep(), e);
    }
    reply.accept(answer);
  }

  /** What a log shows of an exception: its place only where its message does not tell. */
  private static @Nullable Throwable trace(Throwable thrown) {
    return Failures.isSurprise(thrown) ? thrown : null;
  }

  /** Puts a step's embeddings into native memory, where kernels read. */
  private MemorySegment land(ByteString bytes) {
    if (embeddings.byteSize() < bytes.size()) {
      long size = Math.max(SMALLEST_BUFFER, Long.highestOneBit(bytes.size()) * 2L);
      embeddings = arena.allocate(size, ALIGNMENT);
    }
    MemorySegment target = embeddings.asSlice(0, bytes.size());
    target.copyFrom(MemorySegment.ofBuffer(bytes.asReadOnlyByteBuffer()));
    return target;
  }

  /**
   * Ends the epoch: a swap that waits throws, a load gives up, and after the current turn all
   * memory is freed. Idempotent.
   */
  void end(String reason) {
    if (isVoid) {
      return;
    }
    isVoid = true;
    log.info("event=epoch_over epoch={} rank={} reason=\"{}\"", number(), mesh.rank(), reason);
    exchange.close();
    Shard old = shard;
    shard = null;
    loop.submit(
        () -> {
          if (old != null) {
            old.close();
          }
          arena.close();
        });
  }
}
