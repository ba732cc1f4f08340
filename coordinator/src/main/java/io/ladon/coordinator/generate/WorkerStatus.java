package io.ladon.coordinator.generate;

/**
 * One worker that has joined.
 *
 * @param name as it calls itself
 * @param peerAddress host:port where its peers reach it
 * @param rank in the current plan; -1 when it has none
 * @param state where it stands
 * @param threads compute threads
 * @param memoryBytes what its process may use
 * @param weightBytes packed weights it holds; 0 before it has loaded
 * @param cacheBytes its KV cache; 0 before it has loaded
 * @param fetchedBytes what the coordinator sent it in its latest load
 * @param sharedMemoryPeers peers that it exchanges parts with through shared memory
 * @param grpcPeers peers that it exchanges parts with over gRPC
 * @param cpu as it describes it
 * @param kernels the kernels it has chosen
 */
public record WorkerStatus(
    String name,
    String peerAddress,
    int rank,
    State state,
    int threads,
    long memoryBytes,
    long weightBytes,
    long cacheBytes,
    long fetchedBytes,
    int sharedMemoryPeers,
    int grpcPeers,
    String cpu,
    String kernels) {

  /** Where a worker stands. */
  public enum State {
    /** Joined, while more workers are expected. */
    WAITING,
    /** Joined, and not needed: it takes the place of a worker that is lost. */
    SPARE,
    /** Reading its shard. */
    LOADING,
    /** Loaded; the others are not, or peers are being connected. */
    LOADED,
    /** Connected with all its peers. */
    CONNECTED
  }
}
