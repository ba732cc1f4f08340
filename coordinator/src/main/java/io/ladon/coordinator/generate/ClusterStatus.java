package io.ladon.coordinator.generate;

import java.util.List;

/**
 * The cluster at one moment.
 *
 * @param ready whether a step through all ranks of the current epoch has lately succeeded
 * @param reason why it is not ready, or in what state it is, for people
 * @param epoch number of the current or latest plan; 0 before the first
 * @param expectedWorkers ranks of a plan
 * @param workers all members: ranks in their order, then those that wait
 * @param running requests that hold KV blocks
 * @param queued requests that wait for blocks
 * @param freeBlocks KV blocks that no request holds
 * @param totalBlocks KV blocks that requests can have
 */
public record ClusterStatus(
    boolean ready,
    String reason,
    long epoch,
    int expectedWorkers,
    List<WorkerStatus> workers,
    int running,
    int queued,
    int freeBlocks,
    int totalBlocks) {

  public ClusterStatus {
    workers = List.copyOf(workers);
  }
}
