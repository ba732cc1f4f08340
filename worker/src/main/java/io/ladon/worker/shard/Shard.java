package io.ladon.worker.shard;

import io.ladon.engine.rank.Step;
import io.ladon.engine.rank.StepResult;
import java.lang.foreign.MemorySegment;

/** A loaded rank. Of the compute thread once it is made. */
public interface Shard extends AutoCloseable {

  /**
   * Runs a step together with the other ranks.
   *
   * @throws io.ladon.engine.exchange.ExchangeException if a peer did not do its part
   * @throws IllegalArgumentException if the step is not one that this rank can run
   */
  StepResult run(Step step);

  /**
   * Uses the time between two steps to read a little of what the next one needs first.
   *
   * @return whether there was anything left to read
   */
  boolean readAhead();

  /**
   * All float32 logits of this rank's vocabulary rows after a token of the latest step.
   *
   * @param run index in the step
   * @param token index in that run of a token whose candidates were asked for
   */
  MemorySegment logits(int run, int token);

  /** Packed weights in memory. */
  long weightBytes();

  /** KV cache in memory. */
  long cacheBytes();

  /** Frees all memory. */
  @Override
  void close();
}
