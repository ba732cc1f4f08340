package io.ladon.coordinator.generate;

/** An accepted request. */
public interface Generation {

  /**
   * Stops the request, from any thread; idempotent. Its listener hears {@link
   * GenerationListener#onEnd} with {@link FinishReason#CANCELLED} unless the request has ended
   * already. Called inside {@link GenerationListener#onToken} no further token is heard.
   */
  void cancel();
}
