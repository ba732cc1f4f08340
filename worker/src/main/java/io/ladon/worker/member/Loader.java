package io.ladon.worker.member;

import io.grpc.Channel;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import io.ladon.engine.exchange.Exchange;
import io.ladon.engine.model.ModelSpec;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.Assign;
import io.ladon.proto.FailureCode;
import io.ladon.proto.HeldShard;
import io.ladon.worker.shard.DamagedShelfException;
import io.ladon.worker.shard.LoadException;
import io.ladon.worker.shard.MemoryBudget;
import io.ladon.worker.shard.PackedCache;
import io.ladon.worker.shard.Shard;
import io.ladon.worker.shard.ShardFactory;
import io.ladon.worker.shard.ShardSource;
import io.ladon.worker.shard.ShardSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads shards, on a thread of its own, so that the rank's loop goes on answering meanwhile.
 *
 * @param modelPath a local copy of the checkpoint, if there is one
 * @param patience longest silence of the coordinator while it sends slices
 */
public record Loader(
    ShardFactory factory,
    MemoryBudget budget,
    Path cacheDirectory,
    @Nullable Path modelPath,
    Duration patience) {

  private static final Logger log = LoggerFactory.getLogger(Loader.class);

  /**
   * A shard that is ready to run.
   *
   * @param largestPart bytes of the largest part that one rank will send another
   */
  record Result(Shard shard, long largestPart, long fetchedBytes) {}

  /** Shards that a load finds here. */
  List<HeldShard> held() {
    return PackedCache.held(cacheDirectory);
  }

  Result load(
      Assign assign,
      Exchange exchange,
      boolean crowded,
      Channel coordinator,
      BooleanSupplier unwanted)
      throws IOException, LoadException {
    long begin = System.nanoTime();
    ShardSpec spec = spec(assign, crowded);
    ShardFactory.Needs needs = factory.needs(spec);
    budget.check(needs.weights(), needs.cache(), needs.buffers());
    ShardSource.Request request =
        new ShardSource.Request(
            assign.getEpoch(),
            spec.header(),
            assign.getCheckpoint(),
            assign.getPlanDigest(),
            assign.getRank(),
            factory.inventory(spec),
            copies(assign),
            cacheDirectory,
            patience,
            unwanted);
    try (ShardSource source = ShardSource.open(request, coordinator)) {
      long fetched = System.nanoTime();
      Shard shard;
      try {
        shard = factory.create(spec, source, source.shelf(), exchange);
      } catch (DamagedShelfException e) {
        log.warn("event=packed_damaged epoch={} error=\"{}\"", assign.getEpoch(), e.getMessage());
        source.packAgain(request, coordinator);
        shard = factory.create(spec, source, source.shelf(), exchange);
      }
      source.keepPacked();
      log.info(
          "event=loaded epoch={} rank={} ranks={} slices={} weightBytes={} cacheBytes={} fetchedBytes={} packedBefore={} fetchMillis={} packMillis={}",
          assign.getEpoch(),
          spec.rank(),
          spec.plan().size(),
          request.slices().size(),
          shard.weightBytes(),
          shard.cacheBytes(),
          source.fetchedBytes(),
          source.packedBefore(),
          (fetched - begin) / 1_000_000,
          (System.nanoTime() - fetched) / 1_000_000);
      return new Result(
          shard,
          ExchangeSizes.largestPart(spec.plan(), spec.maxStepTokens()),
          source.fetchedBytes());
    }
  }

  private static ShardSpec spec(Assign assign, boolean crowded) throws LoadException {
    try {
      GgufHeader header = GgufHeader.parse(MemorySegment.ofArray(assign.getHeader().toByteArray()));
      if (!header.fingerprint().equals(assign.getCheckpoint())) {
        throw new LoadException(
            FailureCode.LOAD_FAILED,
            "the header's fingerprint is %s, not %s"
                .formatted(header.fingerprint(), assign.getCheckpoint()),
            null);
      }
      ModelSpec model = ModelSpecs.read(header);
      ShardPlan plan = ShardPlan.of(model, Messages.planOptions(assign.getPlan()));
      if (!plan.digest().equals(assign.getPlanDigest())) {
        throw new LoadException(
            FailureCode.PLAN_MISMATCH,
            "the plan's digest is %s here and %s there"
                .formatted(plan.digest(), assign.getPlanDigest()),
            null);
      }
      if (assign.getRank() >= plan.size()) {
        throw new LoadException(
            FailureCode.PLAN_MISMATCH,
            "rank %d of %d".formatted(assign.getRank(), plan.size()),
            null);
      }
      return new ShardSpec(
          plan,
          assign.getRank(),
          header,
          assign.getKvBlocks(),
          assign.getKvType(),
          assign.getMaxStepTokens(),
          assign.getMaxStepRuns(),
          assign.getMaxStepAsked(),
          assign.getMaxCandidates(),
          crowded);
    } catch (CheckpointException e) {
      throw new LoadException(FailureCode.LOAD_FAILED, "header: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new LoadException(FailureCode.PLAN_MISMATCH, "plan: " + e.getMessage(), e);
    }
  }

  private List<Path> copies(Assign assign) {
    List<Path> copies = new ArrayList<>();
    if (modelPath != null) {
      copies.add(modelPath);
    }
    if (!assign.getCheckpointPath().isEmpty()) {
      copies.add(Path.of(assign.getCheckpointPath()));
    }
    return copies;
  }
}
