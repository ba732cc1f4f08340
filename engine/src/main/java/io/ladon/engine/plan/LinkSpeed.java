package io.ladon.engine.plan;

/**
 * What the link of one rank to its peers can do.
 *
 * @param latencySeconds from handing over a small frame to having it on the other side
 * @param bytesPerSecond in each direction
 */
public record LinkSpeed(double latencySeconds, double bytesPerSecond) {

  public LinkSpeed {
    if (!(latencySeconds >= 0) || !(bytesPerSecond > 0)) {
      throw new IllegalArgumentException(
          "a link of %s s and %s bytes/s".formatted(latencySeconds, bytesPerSecond));
    }
  }
}
