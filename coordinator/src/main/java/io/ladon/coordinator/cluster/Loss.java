package io.ladon.coordinator.cluster;

import io.ladon.proto.RankFailure;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a loss that ends an epoch in the middle of a step. A rank that waits in vain
 * names the first peer it missed; that peer may itself be waiting, one exchange behind, for the one
 * that is really gone. So the reports are followed from the first to a rank that has reported
 * nothing itself. Owned by the loop.
 */
final class Loss {

  private final Epoch epoch;
  private final Map<Integer, RankFailure> reports = new LinkedHashMap<>(); // by reporter
  private final BitSet silent = new BitSet(); // ranks that have reported nothing and may
  private String gone = "";

  Loss(Epoch epoch) {
    this.epoch = epoch;
    silent.set(0, epoch.members.size());
  }

  /** A rank's membership has ended. */
  void gone(int rank, String text) {
    silent.clear(rank);
    if (gone.isEmpty()) {
      gone = text;
    }
  }

  /**
   * A rank reports that a peer is missing; of several reports of its own the first that names an
   * exchange counts.
   */
  void report(int reporter, RankFailure failure) {
    silent.clear(reporter);
    RankFailure known = reports.get(reporter);
    if (known == null || known.getPoint().isEmpty()) {
      reports.put(reporter, failure);
    }
  }

  /** Whether nobody is left who could say more: all but the missing rank have spoken. */
  boolean complete() {
    Integer reporter = reporter();
    if (reporter == null) {
      return silent.isEmpty();
    }
    int missing = missing(reporter);
    return silent.stream().allMatch(rank -> rank == missing);
  }

  /** The report that names the missing rank, and who is known to be gone. */
  String text() {
    Integer reporter = reporter();
    if (reporter == null) {
      return gone;
    }
    String text = epoch.describe(reporter, report(reporter));
    return gone.isEmpty() ? text : text + "; " + gone;
  }

  /** The last reporter on the way from the first one; the first where ranks name each other. */
  private @Nullable Integer reporter() {
    if (reports.isEmpty()) {
      return null;
    }
    int first = reports.keySet().iterator().next();
    int reporter = first;
    BitSet seen = new BitSet();
    while (reports.containsKey(missing(reporter))) {
      seen.set(reporter);
      reporter = missing(reporter);
      if (seen.get(reporter)) {
        return first;
      }
    }
    return reporter;
  }

  private int missing(int reporter) {
    return report(reporter).getMissingRank();
  }

  private RankFailure report(int reporter) {
    RankFailure report = reports.get(reporter);
    if (report == null) {
      throw new IllegalStateException("rank " + reporter + " has reported nothing");
    }
    return report;
  }
}
