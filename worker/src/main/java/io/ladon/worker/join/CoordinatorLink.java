package io.ladon.worker.join;

import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.ladon.proto.ClusterGrpc;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.Hello;
import io.ladon.proto.LocalOffer;
import io.ladon.proto.Welcome;
import io.ladon.proto.WorkerMessage;
import io.ladon.worker.loop.RankLoop;
import io.netty.channel.ChannelOption;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Join stream: dialled, and dialled again when it ends, until it is closed. Every attempt has a
 * deadline, and a coordinator that falls silent for longer than its Welcome promised counts as
 * gone. Of the rank's loop.
 */
public final class CoordinatorLink {

  private static final Logger log = LoggerFactory.getLogger(CoordinatorLink.class);

  private final RankLoop loop;
  private final String target;
  private final Timing timing;
  private final boolean takesLocalOffers;
  private final Handler handler;
  private final Backoff backoff;
  private @Nullable Attempt attempt;
  private boolean closed;

  /**
   * How long things may take.
   *
   * @param attempt from dialling to the coordinator's Welcome
   * @param firstPause before the second attempt
   * @param longestPause between any two
   */
  public record Timing(Duration attempt, Duration firstPause, Duration longestPause) {
    /** Ten seconds an attempt, pauses from 0.1 to 5 seconds. */
    public static Timing defaults() {
      return new Timing(Duration.ofSeconds(10), Duration.ofMillis(100), Duration.ofSeconds(5));
    }
  }

  /** Called on the loop, as callbacks. */
  public interface Handler {
    /**
     * The first message of a stream.
     *
     * @param localHost this side's address of the connection
     */
    Hello hello(String localHost);

    /** A message other than Welcome. */
    void onMessage(CoordinatorMessage message);

    /** A stream that had been welcomed is gone. */
    void onLost(String reason);

    /** The coordinator does not want this worker as it is; it will be asked again after a pause. */
    void onRefused(String reason);
  }

  /**
   * @param target the coordinator's host:port
   * @param takesLocalOffers whether steps may come over the coordinator's local socket
   */
  public CoordinatorLink(
      RankLoop loop,
      String target,
      Timing timing,
      boolean takesLocalOffers,
      RandomGenerator random,
      Handler handler) {
    this.loop = loop;
    this.target = target;
    this.timing = timing;
    this.takesLocalOffers = takesLocalOffers;
    this.handler = handler;
    this.backoff = new Backoff(timing.firstPause(), timing.longestPause(), random);
  }

  /** Begins to dial. */
  public void open() {
    if (closed || attempt != null) {
      return;
    }
    Attempt next = new Attempt();
    attempt = next;
    next.start();
  }

  /** Sends a message; it is dropped when there is no stream, as its answer would be. */
  public void send(WorkerMessage message) {
    Attempt current = attempt;
    if (current != null && current.welcomed && !current.sendLocally(message)) {
      current.call.sendMessage(message);
    }
  }

  /** The connection to the coordinator, for other calls; null while there is none. */
  public @Nullable Channel channel() {
    Attempt current = attempt;
    return current != null && current.welcomed ? current.channel : null;
  }

  /** Ends the stream, as the coordinator asked, and dials again after a pause. */
  public void redial(String reason) {
    Attempt current = attempt;
    if (current != null) {
      current.end(reason);
    }
  }

  /**
   * Ends the stream for good.
   *
   * @param last said before, if Hello has been said
   * @param gone runs once the coordinator has ended the stream too. Whoever closes the connection
   *     earlier may take the last message back: bytes that have come in unread reset it.
   */
  public void close(WorkerMessage last, Runnable gone) {
    if (closed) {
      return;
    }
    closed = true;
    Attempt current = attempt;
    attempt = null;
    if (current == null) {
      gone.run();
      return;
    }
    boolean spoke = current.greeted;
    if (spoke) {
      // Also where the welcome is still under way: the coordinator counts this worker already.
      current.gone = gone;
      current.call.sendMessage(last);
      current.call.halfClose();
    }
    current.stop();
    if (!spoke) {
      gone.run();
    }
  }

  private ManagedChannel dial() {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget("dns:///" + target)
            .channelType(loop.transport().channelType())
            .eventLoopGroup(loop.eventLoop())
            .directExecutor()
            .usePlaintext()
            .disableRetry()
            .withOption(ChannelOption.TCP_NODELAY, true)
            .flowControlWindow(FLOW_CONTROL_BYTES)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES);
    loop.transport().betweenNodes().forEach(builder::withOption);
    return builder.build();
  }

  private void ended(Attempt which, String reason) {
    if (attempt != which) {
      return;
    }
    attempt = null;
    long pause = backoff.next();
    log.warn(
        "event={} coordinator={} reason=\"{}\" redialMillis={}",
        which.welcomed ? "coordinator_lost" : "join_failed",
        target,
        reason,
        TimeUnit.NANOSECONDS.toMillis(pause));
    if (which.welcomed) {
      handler.onLost(reason);
    }
    loop.schedule(pause, this::open);
  }

  /** One connection and its stream. */
  private final class Attempt extends ClientCall.Listener<CoordinatorMessage> {

    private final ManagedChannel channel = dial();
    private final ClientCall<WorkerMessage, CoordinatorMessage> call =
        channel.newCall(ClusterGrpc.getJoinMethod(), CallOptions.DEFAULT);
    private RankLoop.@Nullable Timer timer;
    private boolean greeted;
    private boolean welcomed;
    private boolean over;
    private @Nullable Runnable gone;
    private @Nullable LocalLink local;
    private long silenceNanos;
    private long lastHeard;

    void start() {
      timer =
          loop.schedule(
              timing.attempt().toNanos(),
              () -> end("no welcome within " + timing.attempt().toMillis() + " ms"));
      call.start(this, new Metadata());
      call.request(Integer.MAX_VALUE);
    }

    /** The connection is there: only now is its local address known. */
    @Override
    public void onReady() {
      loop.execute(this::greet);
    }

    private void greet() {
      if (greeted || over) {
        return;
      }
      greeted = true;
      Hello hello = handler.hello(localHost(call.getAttributes()));
      call.sendMessage(WorkerMessage.newBuilder().setHello(hello).build());
    }

    @Override
    public void onMessage(CoordinatorMessage message) {
      if (over) {
        return;
      }
      lastHeard = System.nanoTime();
      if (message.hasWelcome()) {
        welcome(message.getWelcome());
      } else if (!welcomed) {
        end("its first message was " + message.getMessageCase() + " instead of WELCOME");
      } else if (message.hasLocalOffer()) {
        take(message.getLocalOffer());
      } else {
        handler.onMessage(message);
      }
    }

    private void take(LocalOffer offer) {
      if (takesLocalOffers && local == null) {
        LocalLink link =
            new LocalLink(
                MAX_MESSAGE_BYTES, this::onMessage, cause -> end("its local socket: " + cause));
        local = link;
        link.connect(loop, offer, timing.attempt());
      }
    }

    boolean sendLocally(WorkerMessage message) {
      LocalLink link = local;
      return link != null && link.send(message);
    }

    private void welcome(Welcome welcome) {
      if (welcomed) {
        return;
      }
      welcomed = true;
      backoff.reset();
      stopTimer();
      log.info(
          "event=joined coordinator={} member={} heartbeatMillis={} timeoutMillis={}",
          target,
          welcome.getMember(),
          welcome.getHeartbeatMillis(),
          welcome.getTimeoutMillis());
      silenceNanos = TimeUnit.MILLISECONDS.toNanos(welcome.getTimeoutMillis());
      watch();
    }

    /** Looks whether the coordinator has been silent for too long. */
    private void watch() {
      if (over || silenceNanos == 0) {
        return;
      }
      long silent = System.nanoTime() - lastHeard;
      if (silent >= silenceNanos) {
        end("it said nothing for " + TimeUnit.NANOSECONDS.toMillis(silent) + " ms");
      } else {
        timer = loop.schedule(silenceNanos - silent, this::watch);
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      loop.execute(
          () -> {
            boolean refused =
                !over && !welcomed && status.getCode() == Status.Code.FAILED_PRECONDITION;
            end(describe(status));
            if (refused) {
              handler.onRefused(String.valueOf(status.getDescription()));
            }
            Runnable farewell = gone;
            gone = null;
            if (farewell != null) {
              farewell.run();
            }
          });
    }

    void end(String reason) {
      if (!over) {
        stop();
        ended(this, reason);
      }
    }

    void stop() {
      over = true;
      stopTimer();
      if (local != null) {
        local.close();
      }
      channel.shutdown();
      if (!closed) {
        channel.shutdownNow();
      }
    }

    private void stopTimer() {
      RankLoop.Timer running = timer;
      timer = null;
      if (running != null) {
        running.cancel();
      }
    }
  }

  /** A step of the largest size that anybody should ask for: 4096 tokens of 8192 float32. */
  private static final int MAX_MESSAGE_BYTES = 128 << 20;

  private static final int FLOW_CONTROL_BYTES = 4 << 20;

  private static String localHost(Attributes attributes) {
    if (attributes.get(Grpc.TRANSPORT_ATTR_LOCAL_ADDR) instanceof InetSocketAddress local
        && local.getAddress() != null) {
      return local.getAddress().getHostAddress();
    }
    return InetAddress.getLoopbackAddress().getHostAddress();
  }

  private static String describe(Status status) {
    Throwable cause = status.getCause();
    return status.getCode()
        + (status.getDescription() == null ? "" : ": " + status.getDescription())
        + (cause == null ? "" : " (" + cause.getMessage() + ")");
  }
}
