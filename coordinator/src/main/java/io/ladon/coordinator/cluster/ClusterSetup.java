package io.ladon.coordinator.cluster;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.ladon.coordinator.Limits;
import io.ladon.coordinator.Timeouts;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.Assign;
import io.ladon.proto.HeldShard;
import io.ladon.proto.PlanOptions;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What stays the same for all epochs of a cluster, but for the splits of the plan.
 *
 * @param plan for the expected workers
 * @param chooser of splits by measurement; null if they are chosen, or named by the options
 * @param shares that the plan was made with
 * @param needs memory of each rank
 * @param header GGUF header without the tokenizer
 * @param fingerprint of the checkpoint
 * @param checkpointPath where the coordinator has the file
 * @param kvBlocks of each rank, the one for probes included
 * @param kvType as the wire contract calls it
 */
public record ClusterSetup(
    ShardPlan plan,
    @Nullable PlanChooser chooser,
    List<Double> shares,
    ShardNeeds needs,
    ByteString header,
    String fingerprint,
    String checkpointPath,
    int kvBlocks,
    String kvType,
    Limits limits,
    Timeouts timeouts) {

  public ClusterSetup {
    shares = List.copyOf(shares);
  }

  /**
   * The same with the splits for machines and links of some speed, which stay: workers have their
   * shards at hand when a later epoch begins.
   */
  ClusterSetup chosen(MachineSpeed machine, LinkSpeed link, List<Member> members) {
    if (chooser == null) {
      return this;
    }
    ShardPlan chosen = chooser.choose(machine, link, plan -> heldRanks(plan, members));
    return new ClusterSetup(
        chosen,
        null,
        shares,
        chooser.needs(chosen),
        header,
        fingerprint,
        checkpointPath,
        kvBlocks,
        kvType,
        limits,
        timeouts);
  }

  private int heldRanks(ShardPlan of, List<Member> members) {
    return (int)
        IntStream.range(0, of.size())
            .filter(rank -> members.stream().anyMatch(member -> member.holds(shard(of, rank))))
            .count();
  }

  /** What a worker that has packed a rank's shard tells when it joins. */
  HeldShard shard(int rank) {
    return shard(plan, rank);
  }

  private HeldShard shard(ShardPlan of, int rank) {
    return HeldShard.newBuilder()
        .setCheckpoint(fingerprint)
        .setPlanDigest(of.digest())
        .setRank(rank)
        .build();
  }

  /** A header's bytes, which nobody changes any more. */
  public static ByteString header(byte[] bytes) {
    return UnsafeByteOperations.unsafeWrap(bytes);
  }

  /** Ranks of the plan. */
  public int ranks() {
    return plan.size();
  }

  /** What a rank is told to load. */
  Assign assign(long epoch, int rank, List<String> peers) {
    return Assign.newBuilder()
        .setEpoch(epoch)
        .setRank(rank)
        .setPlan(
            PlanOptions.newBuilder()
                .setRanks(plan.size())
                .addAllShares(shares)
                .setOutputSplit(plan.output().name())
                .setDownSplit(plan.down().name()))
        .setPlanDigest(plan.digest())
        .setHeader(header)
        .setCheckpoint(fingerprint)
        .setKvBlocks(kvBlocks)
        .setKvType(kvType)
        .setMaxStepTokens(limits.maxStepTokens())
        .setMaxStepRuns(limits.maxRunning())
        .setMaxStepAsked(limits.maxStepAsked())
        .setExchangeTimeoutMillis(timeouts.exchange().toMillis())
        .addAllPeers(peers)
        .setCheckpointPath(checkpointPath)
        .setMaxCandidates(limits.maxCandidates())
        .build();
  }
}
