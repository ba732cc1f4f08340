package io.ladon.coordinator.cluster;

import io.ladon.coordinator.HostPort;
import io.ladon.engine.Release;
import io.ladon.proto.Hello;
import org.jspecify.annotations.Nullable;

/** Whether a worker can be a member at all. */
final class HelloCheck {

  private static final int LONGEST_NAME = 200;

  private HelloCheck() {}

  /** Why the worker is refused; null if it is not. */
  static @Nullable String problem(Hello hello, ShardNeeds needs) {
    if (hello.getProtocolVersion() != Release.PROTOCOL) {
      return "the worker speaks protocol %d, the coordinator %d: use the same release"
          .formatted(hello.getProtocolVersion(), Release.PROTOCOL);
    }
    if (!hello.getSoftwareVersion().equals(Release.VERSION)) {
      return "the worker is of release '%s', the coordinator of '%s': both compute the plan, so they must be the same"
          .formatted(hello.getSoftwareVersion(), Release.VERSION);
    }
    if (hello.getName().isBlank() || hello.getName().length() > LONGEST_NAME) {
      return "a worker needs a name of 1 to " + LONGEST_NAME + " characters";
    }
    if (hello.getInstance().isBlank() || hello.getInstance().length() > LONGEST_NAME) {
      return "a worker needs an instance of 1 to " + LONGEST_NAME + " characters";
    }
    String address = address(hello.getPeerAddress());
    if (address != null) {
      return address;
    }
    if (!(hello.getReadBytesPerSecond() > 0) || !(hello.getOperationsPerSecond() > 0)) {
      return "the worker reads %s bytes/s and computes %s operations/s: both must be positive"
          .formatted(hello.getReadBytesPerSecond(), hello.getOperationsPerSecond());
    }
    int least = needs.least();
    if (Long.compareUnsigned(hello.getMemoryBytes(), needs.total(least)) < 0) {
      return "the worker may use %s of memory; even %s: raise its limit, lower the number of KV blocks, or expect more workers"
          .formatted(ShardNeeds.mebibytes(hello.getMemoryBytes()), needs.text(least));
    }
    return null;
  }

  private static @Nullable String address(String text) {
    HostPort address;
    try {
      address = HostPort.parse(text);
    } catch (IllegalArgumentException e) {
      return "the worker's peer address: " + e.getMessage();
    }
    if (address.port() == 0 || address.host().equals("0.0.0.0") || address.host().equals("::")) {
      return "the worker's peer address '%s' is none that its peers can dial".formatted(text);
    }
    return null;
  }
}
