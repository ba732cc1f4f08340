package io.ladon.coordinator.cluster;

import io.grpc.Status;
import io.ladon.proto.CoordinatorMessage;

/** The way to a worker. Called on the loop; once the way is broken, calls do nothing. */
public interface MemberLink {

  void send(CoordinatorMessage message);

  /** Ends the stream. */
  void end(Status status);
}
