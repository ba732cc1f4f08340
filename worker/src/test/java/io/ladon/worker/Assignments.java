package io.ladon.worker;

import com.google.protobuf.ByteString;
import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufFile;
import io.ladon.engine.model.ModelSpecs;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.Assign;
import io.ladon.proto.ConnectPeers;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.Run;
import io.ladon.proto.Step;
import java.util.List;

/** Messages of a coordinator that has a model file. */
final class Assignments {

  private Assignments() {}

  static Assign.Builder assign(GgufFile file, long epoch, int rank, List<String> peers)
      throws CheckpointException {
    ShardPlan plan = ShardPlan.of(ModelSpecs.read(file.header()), PlanOptions.of(peers.size()));
    return Assign.newBuilder()
        .setEpoch(epoch)
        .setRank(rank)
        .setPlan(io.ladon.proto.PlanOptions.newBuilder().setRanks(peers.size()))
        .setPlanDigest(plan.digest())
        .setHeader(ByteString.copyFrom(file.header().encodeWithoutTokenizer()))
        .setCheckpoint(file.header().fingerprint())
        .setKvBlocks(8)
        .setKvType("f32")
        .setMaxStepTokens(32)
        .setMaxStepRuns(4)
        .setMaxStepAsked(4)
        .setMaxCandidates(8)
        .setExchangeTimeoutMillis(20_000)
        .addAllPeers(peers);
  }

  static CoordinatorMessage.Builder message(Assign.Builder assign) {
    return CoordinatorMessage.newBuilder().setAssign(assign);
  }

  static CoordinatorMessage.Builder connect(long epoch) {
    return CoordinatorMessage.newBuilder()
        .setConnectPeers(ConnectPeers.newBuilder().setEpoch(epoch));
  }

  /** A step of one run without embeddings, for shards that need none. */
  static CoordinatorMessage.Builder step(long epoch, long step, int tokens) {
    return CoordinatorMessage.newBuilder()
        .setStep(
            Step.newBuilder()
                .setEpoch(epoch)
                .setStep(step)
                .addRuns(Run.newBuilder().setTokens(tokens)));
  }
}
