package io.ladon.engine.rank;

import io.ladon.engine.exchange.ExchangePoint;
import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.kernel.Kernels;
import io.ladon.engine.plan.LeafTree;
import io.ladon.engine.plan.Range;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The exchange of partial sums: each rank has added up the complete subtrees of the leaf tree that
 * it owns, sends those roots, and finishes the tree in its fixed order.
 *
 * <p>What travels is, of each token, the sender's roots one after the other, float32.
 */
final class SumExchange {

  /** Columns of one item of the additions. */
  private static final int CHUNK = 1024;

  private final Link link;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final int rank;
  private final int width;
  private final int[] roots; // of each rank
  private final MemorySegment[] sums; // of each rank, (tokens, roots, width)
  private final FloatTensor[] own; // by root
  private final FloatTensor result; // own's, if that is one matrix
  private final long ownPlace;
  private final boolean followEachOther; // the tokens' sums of each rank: it has one root
  private final int firstRank; // whose first root ends as the total
  private final int[] additions; // (to rank, to root, from rank, from root) ...
  private final @Nullable MemorySegment[] send;
  private final @Nullable MemorySegment[] receive;
  private final IntRangeTask addTask = this::add;
  private int cutTokens = -1;
  private int mineBegin;
  private int mineEnd;

  /**
   * @param leaves of each rank
   * @param width of a sum
   * @param maxMine tokens that this rank finishes at most
   * @param inputEnd place in memory behind what the sums are made of: what is needed when they are
   *     made goes there, and what is needed later may lie over it
   */
  SumExchange(
      StepMemory arena,
      Link link,
      Kernels kernels,
      ThreadTeam team,
      LeafTree tree,
      List<Range> leaves,
      int width,
      int maxTokens,
      int maxMine,
      long inputEnd) {
    this.link = link;
    this.kernels = kernels;
    this.team = team;
    this.rank = link.rank();
    this.width = width;
    int ranks = leaves.size();
    this.roots = new int[ranks];
    this.sums = new MemorySegment[ranks];
    this.send = new MemorySegment[ranks];
    this.receive = new MemorySegment[ranks];
    List<Range> rootList = new ArrayList<>();
    List<int[]> places = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      List<Range> ofRank = tree.roots(leaves.get(r));
      roots[r] = ofRank.size();
      for (int i = 0; i < ofRank.size(); i++) {
        rootList.add(ofRank.get(i));
        places.add(new int[] {r, i});
      }
      if (r != rank) {
        sums[r] = allocateSums(arena, maxMine, r);
      }
    }
    boolean inPlace = roots[rank] == 1;
    FloatTensor apart = FloatTensor.allocate(arena, inPlace ? 0 : maxTokens, width);
    arena.goTo(inputEnd);
    this.ownPlace = arena.here();
    sums[rank] = allocateSums(arena, maxTokens, rank);
    this.followEachOther = Arrays.stream(roots).allMatch(count -> count == 1);
    this.firstRank = places.getFirst()[0];
    List<Integer> program = new ArrayList<>();
    plan(tree.all(), rootList, places, program);
    this.additions = program.stream().mapToInt(Integer::intValue).toArray();
    this.own = new FloatTensor[roots[rank]];
    for (int i = 0; i < own.length; i++) {
      own[i] =
          new FloatTensor(
              sums[rank].asSlice(4L * i * width, 4L * maxTokens * own.length * width),
              maxTokens,
              own.length * width);
    }
    this.result = inPlace ? own[0] : apart;
  }

  private MemorySegment allocateSums(Arena arena, int tokens, int ofRank) {
    // One more row, so that the view of the last root is as long as the others.
    return arena.allocate(
        Math.max(4, 4L * (tokens + 1) * roots[ofRank] * width), FloatTensor.ALIGNMENT);
  }

  /** (tokens, width); the rows of the tokens that this rank finishes are valid. */
  FloatTensor result() {
    return result;
  }

  /** Place of {@link #own} in memory. */
  long ownPlace() {
    return ownPlace;
  }

  /** Where this rank's roots are to be written, one matrix (tokens, stride) for each root. */
  FloatTensor[] own() {
    return own;
  }

  /** Swaps the roots and finishes this rank's tokens in the result. */
  void run(int layer, ExchangePoint point, StepShape shape) {
    cut(shape);
    link.swap(layer, point, send, receive);
    mineBegin = shape.mineBegin();
    mineEnd = shape.mineEnd();
    int mine = mineEnd - mineBegin;
    team.run(followEachOther ? chunks(mine * width) : mine * chunks(width), addTask);
  }

  private static int chunks(int columns) {
    return (columns + CHUNK - 1) / CHUNK;
  }

  private void cut(StepShape shape) {
    if (shape.tokens() == cutTokens) {
      return;
    }
    cutTokens = shape.tokens();
    int mine = shape.mineEnd() - shape.mineBegin();
    long ownBytes = 4L * roots[rank] * width;
    for (int r = 0; r < roots.length; r++) {
      int begin = shape.isCut() ? shape.shareBegin(r) : 0;
      int end = shape.isCut() ? shape.shareEnd(r) : shape.tokens();
      send[r] = sums[rank].asSlice(begin * ownBytes, (end - begin) * ownBytes);
      receive[r] = r == rank ? null : sums[r].asSlice(0, 4L * mine * roots[r] * width);
    }
  }

  private void add(int thread, int begin, int end) {
    if (followEachOther) {
      int first = begin * CHUNK;
      finish(mineBegin, first, Math.min(end * CHUNK, (mineEnd - mineBegin) * width) - first);
      return;
    }
    int chunks = chunks(width);
    for (int i = begin; i < end; i++) {
      int column = i % chunks * CHUNK;
      finish(mineBegin + i / chunks, column, Math.min(CHUNK, width - column));
    }
  }

  /**
   * Finishes some columns.
   *
   * @param column of the token; where tokens follow each other, also of the next tokens
   */
  private void finish(int token, int column, int length) {
    for (int a = 0; a < additions.length; a += 4) {
      kernels.add(
          sums[additions[a + 2]],
          offset(additions[a + 2], additions[a + 3], token) + column,
          sums[additions[a]],
          offset(additions[a], additions[a + 1], token) + column,
          length);
    }
    if (firstRank != rank || own.length > 1) {
      MemorySegment.copy(
          sums[firstRank],
          4 * (offset(firstRank, 0, token) + column),
          result.segment(),
          4 * ((long) token * width + column),
          4L * length);
    }
  }

  private long offset(int ofRank, int root, int token) {
    int row = ofRank == rank ? token : token - mineBegin;
    return ((long) row * roots[ofRank] + root) * width;
  }

  /** Lists the additions that finish a node; its sum then stands in its first root's place. */
  private static int plan(
      Range node, List<Range> rootList, List<int[]> places, List<Integer> program) {
    int index = rootList.indexOf(node);
    if (index >= 0) {
      return index;
    }
    int middle = LeafTree.middle(node);
    int left = plan(new Range(node.begin(), middle), rootList, places, program);
    int right = plan(new Range(middle, node.end()), rootList, places, program);
    program.add(places.get(left)[0]);
    program.add(places.get(left)[1]);
    program.add(places.get(right)[0]);
    program.add(places.get(right)[1]);
    return left;
  }
}
