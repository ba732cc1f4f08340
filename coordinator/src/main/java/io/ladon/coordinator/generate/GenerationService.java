package io.ladon.coordinator.generate;

/** The cluster as its clients see it. Every method may be called from any thread. */
public interface GenerationService {

  /** The model that is served. */
  ModelCard model();

  /** The cluster at this moment. */
  ClusterStatus status();

  /**
   * Accepts a request. It waits in a queue until KV blocks are free, and then runs. The listener
   * hears of everything that follows, on the cluster's own thread; it hears nothing when this
   * throws.
   *
   * @throws ServiceException {@link ErrorCode#INVALID_REQUEST} or {@link
   *     ErrorCode#CONTEXT_TOO_LONG} naming the parameter, {@link ErrorCode#QUEUE_FULL} when too
   *     many requests wait, {@link ErrorCode#NOT_READY} while the cluster cannot serve
   */
  Generation submit(GenerationRequest request, GenerationListener listener) throws ServiceException;
}
