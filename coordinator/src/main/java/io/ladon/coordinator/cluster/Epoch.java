package io.ladon.coordinator.cluster;

import io.ladon.coordinator.schedule.Loop;
import io.ladon.proto.RankFailure;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** One plan's life: load, connect, prove, serve. Owned by the loop. */
final class Epoch {

  /** How far it has come. */
  enum Phase {
    LOADING("loading"),
    CONNECTING("connecting with their peers"),
    PROVING("running their first step"),
    SERVING("serving");

    final String text;

    Phase(String text) {
      this.text = text;
    }
  }

  final long number;
  final List<Member> members; // by rank
  final BitSet awaited = new BitSet(); // ranks that have not reached the end of the phase
  Phase phase = Phase.LOADING;
  Loop.@Nullable Timer deadline;

  /** A loss that others may have more to say about; null while there is none. */
  @Nullable Loss loss;

  Epoch(long number, List<Member> members) {
    this.number = number;
    this.members = members;
    awaited.set(0, members.size());
  }

  boolean has(Member member) {
    return member.rank >= 0
        && member.rank < members.size()
        && members.get(member.rank).id == member.id;
  }

  void cancelDeadline() {
    if (deadline != null) {
      deadline.cancel();
      deadline = null;
    }
  }

  /** A text with what is known of a loss beside it. */
  String withLoss(String text) {
    return loss == null ? text : text + "; " + loss.text();
  }

  /** Rank, name and address, for messages. */
  String describe(int rank) {
    return rank >= 0 && rank < members.size()
        ? "rank %d (%s)".formatted(rank, members.get(rank))
        : "rank " + rank;
  }

  String describe(BitSet ranks) {
    return ranks.stream().mapToObj(this::describe).collect(Collectors.joining(", "));
  }

  /** A failure that a rank reports: epoch, step, layer, exchange and missing rank where known. */
  String describe(int reporter, RankFailure failure) {
    StringBuilder text = new StringBuilder("epoch ").append(number);
    if (failure.getStep() > 0) {
      text.append(", step ").append(failure.getStep());
      if (failure.getLayer() >= 0 && !failure.getPoint().isEmpty()) {
        text.append(", layer ").append(failure.getLayer());
      }
    }
    if (!failure.getPoint().isEmpty()) {
      text.append(", exchange ").append(failure.getPoint());
    }
    text.append(": ");
    if (failure.getMissingRank() >= 0 && failure.getMissingRank() != reporter) {
      text.append(describe(failure.getMissingRank())).append(" is missing, says ");
    }
    return text.append(describe(reporter))
        .append(": ")
        .append(failure.getCode())
        .append(": ")
        .append(failure.getMessage())
        .toString();
  }
}
