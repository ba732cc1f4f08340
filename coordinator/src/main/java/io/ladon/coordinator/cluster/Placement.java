package io.ladon.coordinator.cluster;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which member takes which rank. Whoever had a rank keeps it, and a worker that comes back under
 * its name takes its old one: so its shard is at hand. Where the coordinator does not know, whoever
 * has a rank's shard takes it. The others take what is left in the order in which they joined, the
 * largest shards first.
 *
 * @param ranks members by rank; empty when there is a problem
 * @param problem why not every rank has a member; null if each has
 */
record Placement(List<Member> ranks, @Nullable String problem) {

  /**
   * @param candidates in the order in which they joined
   * @param formerNames by rank, of who last had it; null for nobody
   */
  static Placement of(List<Member> candidates, @Nullable String[] formerNames, ClusterSetup setup) {
    ShardNeeds needs = setup.needs();
    int count = setup.ranks();
    Set<Member> left = new LinkedHashSet<>(candidates);
    @Nullable Member[] placed = new Member[count];
    List<BiPredicate<Member, Integer>> rules =
        List.of(
            (member, rank) -> member.formerRank == rank,
            (member, rank) -> member.name().equals(formerNames[rank]),
            (member, rank) -> member.usedLast(setup.shard(rank)),
            (member, rank) -> member.holds(setup.shard(rank)),
            (member, rank) -> true);
    List<Integer> largestFirst =
        IntStream.range(0, count)
            .boxed()
            .sorted(Comparator.<Integer>comparingLong(needs::total).reversed())
            .toList();
    for (BiPredicate<Member, Integer> rule : rules) {
      for (int rank : largestFirst) {
        if (placed[rank] == null) {
          Member member = first(left, rank, rule, needs);
          if (member != null) {
            placed[rank] = member;
            left.remove(member);
          }
        }
      }
    }
    List<Member> ranks = new ArrayList<>();
    for (int rank = 0; rank < count; rank++) {
      Member member = placed[rank];
      if (member == null) {
        return new Placement(List.of(), problem(left, rank, needs));
      }
      ranks.add(member);
    }
    return new Placement(ranks, null);
  }

  private static @Nullable Member first(
      Set<Member> left, int rank, BiPredicate<Member, Integer> rule, ShardNeeds needs) {
    for (Member member : left) {
      if (rule.test(member, rank)
          && Long.compareUnsigned(member.hello.getMemoryBytes(), needs.total(rank)) >= 0) {
        return member;
      }
    }
    return null;
  }

  private static String problem(Set<Member> left, int rank, ShardNeeds needs) {
    Member largest =
        left.stream().max(Comparator.comparingLong(m -> m.hello.getMemoryBytes())).orElse(null);
    return largest == null
        ? "no worker is left for rank " + rank
        : "%s, but %s may use only %s"
            .formatted(
                needs.text(rank), largest, ShardNeeds.mebibytes(largest.hello.getMemoryBytes()));
  }
}
