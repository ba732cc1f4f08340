package io.ladon.worker.member;

import com.google.protobuf.UnsafeByteOperations;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.Split;
import io.ladon.engine.rank.Run;
import io.ladon.engine.rank.Step;
import io.ladon.engine.rank.StepResult;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.LogitsResult;
import io.ladon.proto.TokenResult;
import io.ladon.proto.WorkerMessage;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Between the wire's messages and the engine's types. */
final class Messages {

  private Messages() {}

  /**
   * @throws IllegalArgumentException for a split of another name
   */
  static PlanOptions planOptions(io.ladon.proto.PlanOptions options) {
    return new PlanOptions(
        options.getRanks(),
        options.getSharesList(),
        split(options.getOutputSplit()),
        split(options.getDownSplit()));
  }

  private static @Nullable Split split(String name) {
    return name.isEmpty() ? null : Split.valueOf(name);
  }

  /**
   * @param embeddings the step's, where the rank may read them
   */
  static Step step(io.ladon.proto.Step step, MemorySegment embeddings) {
    List<Run> runs = new ArrayList<>(step.getRunsCount());
    for (io.ladon.proto.Run run : step.getRunsList()) {
      int[] blocks = new int[run.getBlocksCount()];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = run.getBlocks(i);
      }
      runs.add(
          new Run(
              run.getSequence(),
              run.getStart(),
              run.getTokens(),
              blocks,
              run.hasCandidates()
                  ? new Run.CandidateRequest(
                      run.getCandidates().getTokens(),
                      run.getCandidates().getCount(),
                      run.getCandidates().getSums(),
                      run.getCandidates().getTemperature())
                  : null));
    }
    return new Step(step.getEpoch(), step.getStep(), runs, embeddings);
  }

  static WorkerMessage result(StepResult result) {
    io.ladon.proto.StepResult.Builder message =
        io.ladon.proto.StepResult.newBuilder()
            .setEpoch(result.epoch())
            .setStep(result.number())
            .setComputeNanos(result.computeNanos())
            .setExchangeNanos(result.exchangeNanos())
            .setExchangeBytes(result.exchangeBytes());
    for (StepResult.TokenResult token : result.results()) {
      message.addResults(token(token));
    }
    return WorkerMessage.newBuilder().setStepResult(message).build();
  }

  private static TokenResult token(StepResult.TokenResult token) {
    TokenResult.Builder message =
        TokenResult.newBuilder().setRun(token.run()).setToken(token.token());
    for (int id : token.ids()) {
      message.addIds(id);
    }
    for (float logit : token.logits()) {
      message.addLogits(logit);
    }
    for (float max : token.tileMax()) {
      message.addTileMax(max);
    }
    for (float sum : token.tileSum()) {
      message.addTileSum(sum);
    }
    for (float sum : token.tileSumScaled()) {
      message.addTileSumScaled(sum);
    }
    return message.build();
  }

  /** The wire's byte order is this machine's: nothing else is supported. */
  static WorkerMessage logits(FetchLogits request, MemorySegment logits) {
    return WorkerMessage.newBuilder()
        .setLogits(
            LogitsResult.newBuilder()
                .setEpoch(request.getEpoch())
                .setStep(request.getStep())
                .setRun(request.getRun())
                .setToken(request.getToken())
                .setLogits(UnsafeByteOperations.unsafeWrap(logits.toArray(ValueLayout.JAVA_BYTE))))
        .build();
  }
}
