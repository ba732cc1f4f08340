package io.ladon.worker;

import io.ladon.worker.exchange.ExchangeMode;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a worker runs.
 *
 * @param join host:port of the coordinator
 * @param name for messages to people; host name and process id unless given
 * @param bindHost address that the peer service listens on, and from which peers are dialled;
 *     {@code 0.0.0.0} for all
 * @param bindPort its port; 0 for a free one
 * @param advertisedHost where peers reach this worker; null for the bind host, or for the local
 *     address of the connection to the coordinator where that is any address
 * @param threads that compute; 0 for one a core
 * @param cacheDirectory where slices are kept that the coordinator sent
 * @param modelPath a local copy of the checkpoint, if there is one
 * @param kernels a name that {@link io.ladon.engine.kernel.KernelProvider#named} knows, e.g. {@code
 *     auto}
 * @param exchange how parts travel to ranks of this machine
 * @param warmUp whether a shard runs for some seconds before it counts as loaded, so that the first
 *     request finds compiled code
 * @param memoryBytes what the process may use in all; 0 for what the machine or container has
 * @param spin longest polling for a peer's bytes before a wait blocks
 * @param crowding whether this machine runs more busy threads than it has cores
 * @param connect time that an attempt to join may take, and that peers have to connect
 * @param longestPause between two attempts to join
 * @param patience longest silence of the coordinator while it sends slices
 * @param endsWhenRefused whether a worker that the coordinator does not take is closed, instead of
 *     asking again: where the coordinator and what it wants stay the same
 */
public record WorkerOptions(
    String join,
    @Nullable String name,
    String bindHost,
    int bindPort,
    @Nullable String advertisedHost,
    int threads,
    Path cacheDirectory,
    @Nullable Path modelPath,
    String kernels,
    ExchangeMode exchange,
    boolean warmUp,
    long memoryBytes,
    Duration spin,
    Crowding crowding,
    Duration connect,
    Duration longestPause,
    Duration patience,
    boolean endsWhenRefused) {

  /** Whether helper threads park at once, and waits offer their core to others. */
  public enum Crowding {
    /**
     * Helpers park where more ranks of an epoch share this machine than have cores for their
     * threads. Waits always yield: it costs next to nothing where nobody else wants the core.
     */
    AUTO,
    /** The machine is shared. */
    YES,
    /** The machine is this worker's own: waits keep their core. */
    NO
  }

  public WorkerOptions {
    checkJoin(join);
    between("bindPort", bindPort, 0, 65_535);
    between("threads", threads, 0, 4096);
    if (memoryBytes < 0) {
      throw new IllegalArgumentException("memoryBytes must not be negative: " + memoryBytes);
    }
    if (spin.isNegative()) {
      throw new IllegalArgumentException("spin must not be negative: " + spin);
    }
    positive("connect", connect);
    positive("longestPause", longestPause);
    positive("patience", patience);
    if (advertisedHost != null && isAny(advertisedHost)) {
      throw new IllegalArgumentException(
          "advertisedHost: no peer can reach " + advertisedHost + "; name one address");
    }
  }

  /** What is used unless told otherwise. */
  public static Builder joining(String coordinator, Path cacheDirectory) {
    return new Builder(coordinator, cacheDirectory);
  }

  /** Whether a host is the address that stands for all of a machine's addresses. */
  static boolean isAny(String host) {
    try {
      return host.isBlank() || InetAddress.getAllByName(host)[0].isAnyLocalAddress();
    } catch (UnknownHostException e) {
      return false; // a name that only peers know
    }
  }

  private static void checkJoin(String join) {
    int colon = join.lastIndexOf(':');
    try {
      if (colon > 0) {
        between("port", Integer.parseInt(join.substring(colon + 1)), 1, 65_535);
        return;
      }
    } catch (IllegalArgumentException e) {
      // Said below, together with the other ways to get it wrong.
    }
    throw new IllegalArgumentException("join: '" + join + "' is not host:port");
  }

  private static void between(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "%s must be within %d and %d, not %d".formatted(name, least, most, value));
    }
  }

  private static void positive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + " must be longer than nothing, not " + value);
    }
  }

  /** Options one by one; what is not set keeps its default. */
  public static final class Builder {
    private final String join;
    private final Path cacheDirectory;
    private @Nullable String name;
    private String bindHost = "0.0.0.0";
    private int bindPort;
    private @Nullable String advertisedHost;
    private int threads;
    private @Nullable Path modelPath;
    private String kernels = "auto";
    private ExchangeMode exchange = ExchangeMode.AUTO;
    private boolean warmUp = true;
    private long memoryBytes;
    private Duration spin = Duration.ofNanos(200_000);
    private Crowding crowding = Crowding.AUTO;
    private Duration connect = Duration.ofSeconds(10);
    private Duration longestPause = Duration.ofSeconds(5);
    private Duration patience = Duration.ofSeconds(30);
    private boolean endsWhenRefused;

    private Builder(String join, Path cacheDirectory) {
      this.join = join;
      this.cacheDirectory = cacheDirectory;
    }

    public Builder name(@Nullable String value) {
      name = value;
      return this;
    }

    public Builder bind(String host, int port) {
      bindHost = host;
      bindPort = port;
      return this;
    }

    public Builder advertisedHost(@Nullable String value) {
      advertisedHost = value;
      return this;
    }

    public Builder threads(int value) {
      threads = value;
      return this;
    }

    public Builder modelPath(@Nullable Path value) {
      modelPath = value;
      return this;
    }

    public Builder kernels(String value) {
      kernels = value;
      return this;
    }

    public Builder exchange(ExchangeMode value) {
      exchange = value;
      return this;
    }

    public Builder warmUp(boolean value) {
      warmUp = value;
      return this;
    }

    public Builder memoryBytes(long value) {
      memoryBytes = value;
      return this;
    }

    public Builder spin(Duration value) {
      spin = value;
      return this;
    }

    public Builder crowding(Crowding value) {
      crowding = value;
      return this;
    }

    public Builder connect(Duration value) {
      connect = value;
      return this;
    }

    public Builder longestPause(Duration value) {
      longestPause = value;
      return this;
    }

    public Builder patience(Duration value) {
      patience = value;
      return this;
    }

    public Builder endsWhenRefused(boolean value) {
      endsWhenRefused = value;
      return this;
    }

    public WorkerOptions build() {
      return new WorkerOptions(
          join,
          name,
          bindHost,
          bindPort,
          advertisedHost,
          threads,
          cacheDirectory,
          modelPath,
          kernels,
          exchange,
          warmUp,
          memoryBytes,
          spin,
          crowding,
          connect,
          longestPause,
          patience,
          endsWhenRefused);
    }
  }
}
