package io.ladon.coordinator.cluster;

import io.ladon.coordinator.generate.WorkerStatus;
import io.ladon.engine.plan.MachineSpeed;
import io.ladon.proto.HeldShard;
import io.ladon.proto.Hello;
import java.util.List;

/** A worker that has joined. Owned by the loop. */
public final class Member {

  static final int NO_RANK = -1;

  final long id;
  final Hello hello;
  final MemberLink link;

  long heardNanos;

  /** A Pong with this nonce or a later one makes it eligible for a plan. */
  long mustAnswer;

  long answered; // nonce of the latest Pong
  int rank = NO_RANK;
  int formerRank = NO_RANK;
  WorkerStatus.State state = WorkerStatus.State.WAITING;
  long weightBytes;
  long cacheBytes;
  long fetchedBytes;
  int sharedMemoryPeers;
  int grpcPeers;

  Member(long id, Hello hello, MemberLink link, long nowNanos) {
    this.id = id;
    this.hello = hello;
    this.link = link;
    this.heardNanos = nowNanos;
  }

  String name() {
    return hello.getName();
  }

  /** Whether it had a shard at hand when it joined. */
  boolean holds(HeldShard shard) {
    return hello.getHeldList().contains(shard);
  }

  /** Whether this was the shard that it had used last. */
  boolean usedLast(HeldShard shard) {
    return hello.getHeldCount() > 0 && hello.getHeld(0).equals(shard);
  }

  /** Whether it has answered since it last had to. */
  boolean alive() {
    return answered >= mustAnswer;
  }

  /** What the slowest of some members can do. */
  static MachineSpeed slowest(List<Member> members) {
    double read = Double.POSITIVE_INFINITY;
    double operations = Double.POSITIVE_INFINITY;
    for (Member member : members) {
      read = Math.min(read, member.hello.getReadBytesPerSecond());
      operations = Math.min(operations, member.hello.getOperationsPerSecond());
    }
    return new MachineSpeed(read, operations);
  }

  WorkerStatus status() {
    return new WorkerStatus(
        hello.getName(),
        hello.getPeerAddress(),
        rank,
        state,
        hello.getThreads(),
        hello.getMemoryBytes(),
        weightBytes,
        cacheBytes,
        fetchedBytes,
        sharedMemoryPeers,
        grpcPeers,
        hello.getCpu(),
        hello.getKernels());
  }

  /** Name and address, for messages. */
  @Override
  public String toString() {
    return hello.getName() + " at " + hello.getPeerAddress();
  }
}
