package io.ladon.engine.plan;

import java.util.ArrayList;
import java.util.List;

/**
 * The fixed pairwise tree in which the leaves of a projection's sum are added: the left half of a
 * node of n leaves has the largest power of two below n. The tree is a property of the model, so
 * every way to cut the leaves among ranks gives the same bits.
 *
 * @param leaves leaves of the whole sum, at least 1
 */
public record LeafTree(int leaves) {

  public LeafTree {
    if (leaves < 1) {
      throw new IllegalArgumentException("a tree of " + leaves + " leaves");
    }
  }

  /** All leaves. */
  public Range all() {
    return new Range(0, leaves);
  }

  /** The largest complete subtrees inside {@code owned}, in order; together they cover it. */
  public List<Range> roots(Range owned) {
    List<Range> roots = new ArrayList<>();
    collectRoots(all(), owned, roots);
    return roots;
  }

  /** Where the tree parts the leaves of a node of at least two. */
  public static int middle(Range node) {
    return node.begin() + Integer.highestOneBit(node.size() - 1);
  }

  /**
   * How to add up {@code owned} leaf by leaf with a stack: element i says how many times the two
   * topmost sums are added after leaf {@code owned.begin() + i} has been pushed. A complete root
   * then stands on the stack for each of {@link #roots}, in order.
   */
  public int[] merges(Range owned) {
    int[] merges = new int[owned.size()];
    for (Range root : roots(owned)) {
      countMerges(root, owned.begin(), merges);
    }
    return merges;
  }

  private static void collectRoots(Range node, Range owned, List<Range> roots) {
    if (node.end() <= owned.begin() || node.begin() >= owned.end()) {
      return;
    }
    if (node.begin() >= owned.begin() && node.end() <= owned.end()) {
      roots.add(node);
      return;
    }
    int middle = middle(node);
    collectRoots(new Range(node.begin(), middle), owned, roots);
    collectRoots(new Range(middle, node.end()), owned, roots);
  }

  private static void countMerges(Range node, int first, int[] merges) {
    if (node.size() == 1) {
      return;
    }
    int middle = middle(node);
    countMerges(new Range(node.begin(), middle), first, merges);
    countMerges(new Range(middle, node.end()), first, merges);
    merges[node.end() - 1 - first]++;
  }
}
