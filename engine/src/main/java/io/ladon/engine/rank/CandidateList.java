package io.ladon.engine.rank;

import java.util.Arrays;

/**
 * The best few of many logits: descending logit, then ascending id. Ids must come in ascending
 * order.
 */
final class CandidateList {

  private final int[] ids;
  private final float[] logits;
  private int wanted;
  private int size;

  CandidateList(int max) {
    this.ids = new int[max];
    this.logits = new float[max];
  }

  /** Empties the list, for up to {@code count} candidates. */
  void begin(int count) {
    wanted = count;
    size = 0;
  }

  /** Whether a logit would enter the list. */
  boolean takes(float logit) {
    return size < wanted || (wanted > 0 && logit > logits[size - 1]);
  }

  /** Offers the first {@code count} of {@code values}, the logits of consecutive ids. */
  void add(int firstId, float[] values, int count) {
    int i = 0;
    while (i < count && size < wanted) {
      add(firstId + i, values[i]);
      i++;
    }
    float least = wanted == 0 ? Float.POSITIVE_INFINITY : logits[wanted - 1];
    for (; i < count; i++) {
      if (values[i] > least) {
        add(firstId + i, values[i]);
        least = logits[wanted - 1];
      }
    }
  }

  private void add(int id, float logit) {
    // The first place whose logit is smaller: equal ones have smaller ids and stay before.
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (logits[middle] >= logit) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    int moved = Math.min(size, wanted - 1) - low;
    System.arraycopy(ids, low, ids, low + 1, moved);
    System.arraycopy(logits, low, logits, low + 1, moved);
    ids[low] = id;
    logits[low] = logit;
    size = Math.min(size + 1, wanted);
  }

  int[] ids() {
    return Arrays.copyOf(ids, size);
  }

  float[] logits() {
    return Arrays.copyOf(logits, size);
  }
}
