package io.ladon.engine.plan;

/**
 * What the link of one rank to its peers can do.
 *
 * @param latencySeconds of a small frame on its way to a peer
 * @param bytesPerSecond in each direction
 * @param messageSeconds that a rank's thread takes to send a small part to one peer and to take one
 *     from it; peers are served one after the other
 */
public record LinkSpeed(double latencySeconds, double bytesPerSecond, double messageSeconds) {

  /** Between processes of one machine, which share memory. */
  public static final LinkSpeed SAME_MACHINE = new LinkSpeed(10e-6, 4e9, 0);

  /**
   * What a part takes of the thread's time over gRPC, whatever the network. Measured on AMD EPYC
   * (Zen 4), CPU time of a rank that exchanges with 3 and 7 peers: 20 to 25 us up to 8 KiB.
   */
  private static final double GRPC_MESSAGE_SECONDS = 20e-6;

  /** What the thread moves in each direction at once over gRPC; measured there with 1 MiB. */
  private static final double GRPC_BYTES_PER_SECOND = 1e9;

  public LinkSpeed {
    if (!(latencySeconds >= 0) || !(bytesPerSecond > 0) || !(messageSeconds >= 0)) {
      throw new IllegalArgumentException(
          "a link of %s s, %s bytes/s and %s s a message"
              .formatted(latencySeconds, bytesPerSecond, messageSeconds));
    }
  }

  /** Whether this is {@link #SAME_MACHINE}. */
  boolean isSameMachine() {
    return latencySeconds == SAME_MACHINE.latencySeconds
        && bytesPerSecond == SAME_MACHINE.bytesPerSecond
        && messageSeconds == SAME_MACHINE.messageSeconds;
  }

  /**
   * A link over gRPC, on a network of some latency (one way) and bandwidth: the thread's own work
   * is added.
   */
  public static LinkSpeed ofNetwork(double latencySeconds, double bytesPerSecond) {
    return new LinkSpeed(
        latencySeconds, Math.min(bytesPerSecond, GRPC_BYTES_PER_SECOND), GRPC_MESSAGE_SECONDS);
  }

  /**
   * The same, where the latency was measured over gRPC, from handing over a small frame to having
   * it on the other side.
   */
  public static LinkSpeed ofFrames(double frameSeconds, double bytesPerSecond) {
    return ofNetwork(Math.max(0, frameSeconds - GRPC_MESSAGE_SECONDS), bytesPerSecond);
  }
}
