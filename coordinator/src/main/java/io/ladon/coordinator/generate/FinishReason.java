package io.ladon.coordinator.generate;

/** Why a generation ended. */
public enum FinishReason {
  /** The model ended its text. */
  STOP,
  /** {@code maxTokens} were generated. */
  LENGTH,
  /** {@link Generation#cancel} was called. */
  CANCELLED
}
