package io.ladon.coordinator.cluster;

import com.google.protobuf.ByteString;
import io.ladon.coordinator.schedule.Loop;
import io.ladon.engine.plan.LinkSpeed;
import io.ladon.proto.CoordinatorMessage;
import io.ladon.proto.Ping;
import io.ladon.proto.Pong;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Measures the links to the members, as a stand-in for those between them: a few small Pings for
 * the latency, a few large ones for the bandwidth, each sent when the one before has come back. The
 * best of each counts, so that a cold start does not. Owned by the loop.
 */
final class LinkProbe {

  private static final Logger log = LoggerFactory.getLogger(LinkProbe.class);

  private static final int SMALL = 8;
  private static final int LARGE = 3;
  static final int PAYLOAD_BYTES = 128 << 10;
  private static final ByteString PAYLOAD = ByteString.copyFrom(new byte[PAYLOAD_BYTES]);

  /** Whoever has not answered by then has a slow link. */
  private static final Duration LIMIT = Duration.ofSeconds(3);

  private static final LinkSpeed SLOW = LinkSpeed.ofNetwork(0.05, 1e6);

  private final Loop loop;
  private final LongSupplier nonces;
  private final Map<Long, LinkSpeed> speeds = new HashMap<>(); // by member
  private final Map<Long, Course> courses = new HashMap<>(); // by member

  /** What is known of a link so far. */
  private static final class Course {
    private int answered;
    private long nonce;
    private long sentNanos;
    private long smallNanos = Long.MAX_VALUE;
    private long largeNanos = Long.MAX_VALUE;
  }

  /**
   * @param nonces of Pings
   */
  LinkProbe(Loop loop, LongSupplier nonces) {
    this.loop = loop;
    this.nonces = nonces;
  }

  /** Whether all links are known. */
  boolean knows(List<Member> members) {
    return onOneMachine(members) || members.stream().allMatch(m -> speeds.containsKey(m.id));
  }

  /** The slowest link of some members, all of which are known. */
  LinkSpeed slowest(List<Member> members) {
    if (onOneMachine(members)) {
      return LinkSpeed.SAME_MACHINE;
    }
    double latency = 0;
    double bandwidth = Double.POSITIVE_INFINITY;
    for (Member member : members) {
      LinkSpeed speed = speeds.getOrDefault(member.id, SLOW);
      latency = Math.max(latency, speed.latencySeconds());
      bandwidth = Math.min(bandwidth, speed.bytesPerSecond());
    }
    return LinkSpeed.ofNetwork(latency, bandwidth);
  }

  private static boolean onOneMachine(List<Member> members) {
    Set<String> hosts = new HashSet<>();
    for (Member member : members) {
      String address = member.hello.getPeerAddress();
      hosts.add(address.substring(0, address.lastIndexOf(':')));
    }
    return hosts.size() == 1;
  }

  /**
   * Measures the links that are not known yet.
   *
   * @param done run on the loop whenever one more is known
   */
  void measure(List<Member> members, Runnable done) {
    for (Member member : members) {
      if (speeds.containsKey(member.id) || courses.containsKey(member.id)) {
        continue;
      }
      Course course = new Course();
      courses.put(member.id, course);
      send(member, course);
      loop.schedule(
          LIMIT,
          () -> {
            if (courses.remove(member.id, course)) {
              log.warn("event=link_slow worker={} limitMillis={}", member, LIMIT.toMillis());
              speeds.put(member.id, SLOW);
              done.run();
            }
          });
    }
  }

  /** A member is gone; a new one has other links. */
  void forget(Member member) {
    speeds.remove(member.id);
    courses.remove(member.id);
  }

  /**
   * A Pong, perhaps to one of the Pings from here.
   *
   * @return whether one more link is known now
   */
  boolean onPong(Member member, Pong pong) {
    Course course = courses.get(member.id);
    if (course == null || course.nonce != pong.getNonce()) {
      return false;
    }
    long nanos = loop.nanoTime() - course.sentNanos;
    if (course.answered < SMALL) {
      course.smallNanos = Math.min(course.smallNanos, nanos);
    } else {
      course.largeNanos = Math.min(course.largeNanos, nanos);
    }
    course.answered++;
    if (course.answered < SMALL + LARGE) {
      send(member, course);
      return false;
    }
    courses.remove(member.id);
    // There and back: twice the latency, twice the payload.
    double transfer = Math.max(1, course.largeNanos - course.smallNanos) / 2e9;
    LinkSpeed speed = LinkSpeed.ofFrames(course.smallNanos / 2e9, PAYLOAD_BYTES / transfer);
    speeds.put(member.id, speed);
    log.info(
        "event=link worker={} latencyMicros={} megabytesPerSecond={}",
        member,
        Math.round(speed.latencySeconds() * 1e6),
        Math.round(speed.bytesPerSecond() / 1e6));
    return true;
  }

  private void send(Member member, Course course) {
    course.nonce = nonces.getAsLong();
    course.sentNanos = loop.nanoTime();
    Ping.Builder ping = Ping.newBuilder().setNonce(course.nonce);
    if (course.answered >= SMALL) {
      ping.setPayload(PAYLOAD);
    }
    member.link.send(CoordinatorMessage.newBuilder().setPing(ping).build());
  }
}
