package io.ladon.engine.rank;

import io.ladon.engine.attention.Attention;

/**
 * How the attention of one layer in the current step falls into items that threads claim one by
 * one: an item is one KV head's group for a unit of tokens. Where that leaves one item with more
 * than its share, because a long sequence decodes beside short ones or there are fewer heads than
 * threads, each part of its positions is an item, and merging them is one more.
 *
 * <p>Which of the two is done changes no bit.
 */
final class AttentionItems {

  private static final int WHOLE = -1;

  private final int kvHeads;
  private final int threads;
  private final int slots;
  private final int[] unitOf; // (item)
  private final int[] kvHeadOf; // (item)
  private final int[] partOf; // (item); or WHOLE
  private final int[] slotOf; // (item)
  private final int[] mergeUnit; // (merge)
  private final int[] mergeKvHead; // (merge)
  private final int[] mergeSlot; // (merge), of the first part
  private final int[] mergeParts; // (merge)
  private int count;
  private int merges;

  /**
   * @param slots parts that can be kept until they are merged
   */
  AttentionItems(int maxTokens, int kvHeads, int threads, int slots) {
    this.kvHeads = kvHeads;
    this.threads = threads;
    this.slots = slots;
    int items = maxTokens * kvHeads + slots;
    this.unitOf = new int[items];
    this.kvHeadOf = new int[items];
    this.partOf = new int[items];
    this.slotOf = new int[items];
    this.mergeUnit = new int[slots];
    this.mergeKvHead = new int[slots];
    this.mergeSlot = new int[slots];
    this.mergeParts = new int[slots];
  }

  /**
   * Begins a step.
   *
   * @param window positions that a token sees, itself included; 0 for all
   */
  void begin(StepRuns runs, int window) {
    count = 0;
    merges = 0;
    int usedSlots = 0;
    long total = 0;
    for (int unit = 0; unit < runs.units(); unit++) {
      total += work(runs, unit, window);
    }
    // Backwards: later tokens of a chunk see more, and the largest items had better come first.
    for (int unit = runs.units() - 1; unit >= 0; unit--) {
      int position = runs.position(runs.unitToken(unit));
      int firstPart = Attention.part(firstSeen(position, window));
      int parts = Attention.part(position) - firstPart + 1;
      // More than half of what a thread does if all do the same.
      boolean split =
          runs.unitTokens(unit) == 1
              && parts > 1
              && 2L * threads * work(runs, unit, window) > total * kvHeads;
      for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
        if (split && usedSlots + parts <= slots) {
          mergeUnit[merges] = unit;
          mergeKvHead[merges] = kvHead;
          mergeSlot[merges] = usedSlots;
          mergeParts[merges++] = parts;
          for (int part = 0; part < parts; part++) {
            add(unit, kvHead, firstPart + part, usedSlots++);
          }
        } else {
          add(unit, kvHead, WHOLE, 0);
        }
      }
    }
  }

  private void add(int unit, int kvHead, int part, int slot) {
    unitOf[count] = unit;
    kvHeadOf[count] = kvHead;
    partOf[count] = part;
    slotOf[count++] = slot;
  }

  /** About the positions that the tokens of a unit see. */
  private static long work(StepRuns runs, int unit, int window) {
    int position = runs.position(runs.unitToken(unit));
    return (long) runs.unitTokens(unit) * (position + 1 - firstSeen(position, window));
  }

  private static int firstSeen(int position, int window) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }

  int count() {
    return count;
  }

  int unit(int item) {
    return unitOf[item];
  }

  int kvHead(int item) {
    return kvHeadOf[item];
  }

  /** Whether an item is all there is to do for its head and unit. */
  boolean isWhole(int item) {
    return partOf[item] == WHOLE;
  }

  /** The part that an item is. */
  int part(int item) {
    return partOf[item];
  }

  /** Where an item that is a part leaves its result. */
  int slot(int item) {
    return slotOf[item];
  }

  /** Heads of units whose parts are to be merged. */
  int merges() {
    return merges;
  }

  int mergeUnit(int merge) {
    return mergeUnit[merge];
  }

  int mergeKvHead(int merge) {
    return mergeKvHead[merge];
  }

  int mergeSlot(int merge) {
    return mergeSlot[merge];
  }

  int mergeParts(int merge) {
    return mergeParts[merge];
  }
}
