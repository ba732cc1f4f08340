package io.ladon.coordinator.cluster;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ladon.coordinator.schedule.Loop;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.FetchSlicesRequest;
import io.ladon.proto.SliceChunk;
import io.ladon.proto.WorkerMessage;
import java.time.Duration;

/** The gRPC service that workers call. */
public final class ClusterService extends ClusterGrpc.ClusterImplBase {

  private final Loop loop;
  private final Cluster cluster;
  private final Slices slices;
  private final LocalServer locals;
  private final Duration helloLimit;

  /**
   * @param helloLimit from a worker's connection to its Hello
   */
  public ClusterService(
      Loop loop, Cluster cluster, Slices slices, LocalServer locals, Duration helloLimit) {
    this.loop = loop;
    this.cluster = cluster;
    this.slices = slices;
    this.locals = locals;
    this.helloLimit = helloLimit;
  }

  @Override
  public StreamObserver<WorkerMessage> join(StreamObserver<CoordinatorMessage> toWorker) {
    return new WorkerStream(
        loop, cluster, (ServerCallStreamObserver<CoordinatorMessage>) toWorker, locals, helloLimit);
  }

  @Override
  public void fetchSlices(FetchSlicesRequest request, StreamObserver<SliceChunk> toWorker) {
    slices.send(request, (ServerCallStreamObserver<SliceChunk>) toWorker);
  }
}
