package io.ladon.coordinator.generate;

/**
 * Hears what becomes of a request. All calls come from the cluster's one thread, in order; an
 * implementation must not block, wait or do I/O there, only hand over. After {@link #onEnd} or
 * {@link #onError} nothing more comes.
 */
public interface GenerationListener {

  /** One generated token. The token that ends the generation (end of text) is not told. */
  void onToken(GeneratedToken token);

  /** The request is done. */
  void onEnd(FinishReason reason, Usage usage);

  /** The request failed after it was accepted. */
  void onError(ServiceException error);
}
