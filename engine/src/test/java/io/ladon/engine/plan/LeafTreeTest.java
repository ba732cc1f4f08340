package io.ladon.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class LeafTreeTest {

  @Example
  void theLeftHalfHasTheLargestPowerOfTwoBelow() {
    assertThat(LeafTree.middle(new Range(0, 2))).isEqualTo(1);
    assertThat(LeafTree.middle(new Range(0, 8))).isEqualTo(4);
    assertThat(LeafTree.middle(new Range(4, 9))).isEqualTo(8);
    assertThat(LeafTree.middle(new Range(0, 7))).isEqualTo(4);
  }

  @Example
  void rootsOfSomeCuts() {
    LeafTree eight = new LeafTree(8);
    assertThat(eight.roots(new Range(0, 8))).containsExactly(new Range(0, 8));
    assertThat(eight.roots(new Range(4, 8))).containsExactly(new Range(4, 8));
    assertThat(eight.roots(new Range(3, 7)))
        .containsExactly(new Range(3, 4), new Range(4, 6), new Range(6, 7));
    assertThat(eight.roots(new Range(5, 5))).isEmpty();
    assertThat(new LeafTree(3).roots(new Range(1, 3)))
        .containsExactly(new Range(1, 2), new Range(2, 3));
  }

  @Example
  void mergesOfAWholeTree() {
    assertThat(new LeafTree(8).merges(new Range(0, 8))).containsExactly(0, 1, 0, 2, 0, 1, 0, 3);
    assertThat(new LeafTree(5).merges(new Range(0, 5))).containsExactly(0, 1, 0, 2, 1);
    assertThat(new LeafTree(8).merges(new Range(3, 7))).containsExactly(0, 0, 1, 0);
  }

  @Example
  void refusesATreeWithoutLeaves() {
    assertThatIllegalArgumentException().isThrownBy(() -> new LeafTree(0));
  }

  @Property
  void rootsCoverTheOwnedLeavesInOrder(
      @ForAll @IntRange(min = 1, max = 200) int leaves,
      @ForAll @IntRange(max = 200) int a,
      @ForAll @IntRange(max = 200) int b) {
    Range owned = new Range(Math.min(Math.min(a, b), leaves), Math.min(Math.max(a, b), leaves));
    int next = owned.begin();
    for (Range root : new LeafTree(leaves).roots(owned)) {
      assertThat(root.begin()).isEqualTo(next);
      assertThat(root.isEmpty()).isFalse();
      next = root.end();
    }
    assertThat(next).isEqualTo(owned.isEmpty() ? next : owned.end());
  }

  @Property
  void everyCutGivesTheWholeTreesFloat(
      @ForAll @IntRange(min = 1, max = 130) int leaves,
      @ForAll @Size(max = 8) List<@IntRange(max = 130) Integer> cuts,
      @ForAll long seed) {
    float[] values = awkward(leaves, seed);
    LeafTree tree = new LeafTree(leaves);
    Map<Range, Float> sums = new HashMap<>();
    List<Integer> ends = new ArrayList<>(cuts.stream().filter(c -> c < leaves).sorted().toList());
    ends.add(leaves);
    int begin = 0;
    for (int end : ends) {
      sums.putAll(sumsOfRoots(tree, new Range(begin, end), values));
      begin = end;
    }
    assertThat(finish(tree.all(), sums)).isEqualTo(recursive(tree.all(), values));
  }

  /** As a rank does it: leaf by leaf with a stack. */
  private static Map<Range, Float> sumsOfRoots(LeafTree tree, Range owned, float[] values) {
    Deque<Float> stack = new ArrayDeque<>();
    int[] merges = tree.merges(owned);
    for (int i = 0; i < owned.size(); i++) {
      stack.push(values[owned.begin() + i]);
      for (int m = 0; m < merges[i]; m++) {
        float right = stack.pop();
        float left = stack.pop();
        stack.push(left + right);
      }
    }
    Map<Range, Float> sums = new HashMap<>();
    List<Range> roots = tree.roots(owned);
    assertThat(stack).hasSameSizeAs(roots);
    for (Range root : roots) {
      sums.put(root, stack.pollLast());
    }
    return sums;
  }

  /** As a receiver does it: from the roots of all ranks to the top. */
  private static float finish(Range node, Map<Range, Float> sums) {
    Float sum = sums.get(node);
    if (sum != null) {
      return sum;
    }
    int middle = LeafTree.middle(node);
    return finish(new Range(node.begin(), middle), sums)
        + finish(new Range(middle, node.end()), sums);
  }

  private static float recursive(Range node, float[] values) {
    if (node.size() == 1) {
      return values[node.begin()];
    }
    int middle = LeafTree.middle(node);
    return recursive(new Range(node.begin(), middle), values)
        + recursive(new Range(middle, node.end()), values);
  }

  /** Numbers of very different size, whose sum depends on the order of additions. */
  private static float[] awkward(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(8)));
    }
    return values;
  }
}
