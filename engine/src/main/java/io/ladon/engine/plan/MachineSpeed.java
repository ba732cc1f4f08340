package io.ladon.engine.plan;

/**
 * What one rank's machine can do, with all the threads of the rank.
 *
 * @param readBytesPerSecond weights streamed from memory through the kernels
 * @param operationsPerSecond of a product with many tokens; a multiplication and an addition are
 *     two
 */
public record MachineSpeed(double readBytesPerSecond, double operationsPerSecond) {

  public MachineSpeed {
    if (!(readBytesPerSecond > 0) || !(operationsPerSecond > 0)) {
      throw new IllegalArgumentException(
          "speeds must be positive: %s bytes/s, %s operations/s"
              .formatted(readBytesPerSecond, operationsPerSecond));
    }
  }
}
