package io.ladon.coordinator.schedule;

import io.ladon.engine.plan.ShardPlan;
import io.ladon.proto.FetchLogits;
import io.ladon.proto.Step;
import java.util.BitSet;

/** The connected ranks of one epoch, as the scheduler sees them. Called on the loop. */
public interface Ranks {

  long epoch();

  ShardPlan plan();

  /** Sends a step to every rank. */
  void send(Step step);

  /** Asks every rank for all its logits. */
  void send(FetchLogits request);

  /** A step has come back from every rank. */
  void succeeded();

  /**
   * Some ranks did not answer in time or not as they must. The epoch cannot go on: the scheduler is
   * stopped before this returns.
   *
   * @param what e.g. {@code "no answer to step 7 within 60000 ms"}
   */
  void failed(long step, BitSet ranks, String what);
}
