package io.ladon.coordinator.schedule;

import io.ladon.coordinator.FakeModel;
import io.ladon.coordinator.FakeRank;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.engine.plan.PlanOptions;
import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.Run;
import io.ladon.proto.Step;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ranks that answer from the loop, and may be told to hold their answers back. */
final class FakeRanks implements Ranks {

  final List<Step> steps = new ArrayList<>();
  final BitSet holding = new BitSet();
  final BitSet holdingLogits = new BitSet();
  int successes;
  int logitsAsked;
  int logitsAskedOfDrafts;
  @Nullable String failure;

  private final Loop loop;
  private final Scheduler scheduler;
  private final long epoch;
  private final ShardPlan plan;
  private final List<FakeRank> ranks = new ArrayList<>();

  FakeRanks(Loop loop, Scheduler scheduler, long epoch, int count, int blocks) {
    this(loop, scheduler, epoch, count, blocks, false);
  }

  /**
   * @param repetitive whether the model is {@link FakeModel#repetitive}
   */
  FakeRanks(Loop loop, Scheduler scheduler, long epoch, int count, int blocks, boolean repetitive) {
    this.loop = loop;
    this.scheduler = scheduler;
    this.epoch = epoch;
    this.plan = ShardPlan.of(FakeModel.spec(), PlanOptions.of(count));
    for (int r = 0; r < count; r++) {
      ranks.add(new FakeRank(plan, r, blocks + 1, repetitive));
    }
  }

  @Override
  public long epoch() {
    return epoch;
  }

  @Override
  public ShardPlan plan() {
    return plan;
  }

  @Override
  public void send(Step step) {
    steps.add(step);
    for (int r = 0; r < ranks.size(); r++) {
      int rank = r;
      if (!holding.get(r)) {
        loop.execute(() -> answer(rank, step));
      }
    }
  }

  /** Answers the latest step for a rank that held back. */
  void answer(int rank) {
    answer(rank, steps.getLast());
  }

  private void answer(int rank, Step step) {
    if (failure == null) {
      scheduler.onResult(rank, ranks.get(rank).run(step));
    }
  }

  @Override
  public void send(FetchLogits request) {
    logitsAsked++;
    Run run = steps.getLast().getRuns(request.getRun());
    if (request.getToken() > run.getTokens() - run.getCandidates().getTokens()) {
      logitsAskedOfDrafts++;
    }
    for (int r = 0; r < ranks.size(); r++) {
      int rank = r;
      if (!holdingLogits.get(r)) {
        loop.execute(() -> scheduler.onLogits(rank, ranks.get(rank).logits(request)));
      }
    }
  }

  @Override
  public void succeeded() {
    successes++;
  }

  @Override
  public void failed(long step, BitSet guilty, String what) {
    failure = "step " + step + ", ranks " + guilty + ": " + what;
    scheduler.stop(new ServiceException(ErrorCode.WORKER_LOST, failure));
  }
}
