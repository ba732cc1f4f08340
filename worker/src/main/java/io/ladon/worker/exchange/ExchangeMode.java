package io.ladon.worker.exchange;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How a worker's parts travel to ranks of the same machine. */
public enum ExchangeMode {
  /** Through shared memory where both ranks can open it, else over gRPC; each pair for itself. */
  AUTO,
  /** Over gRPC, and so are the coordinator's steps. */
  GRPC,
  /** Through shared memory; a peer with whom there is none is refused. */
  SHARED_MEMORY;

  /** What options call it, e.g. {@code shared-memory}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * @throws IllegalArgumentException naming the modes there are
   */
  public static ExchangeMode named(String label) {
    for (ExchangeMode mode : values()) {
      if (mode.label().equals(label)) {
        return mode;
      }
    }
    throw new IllegalArgumentException(
        "exchange: '%s' is none of %s"
            .formatted(
                label,
                Arrays.stream(values())
                    .map(ExchangeMode::label)
                    .collect(Collectors.joining(", "))));
  }
}
