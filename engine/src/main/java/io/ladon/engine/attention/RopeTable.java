package io.ladon.engine.attention;

import io.ladon.engine.model.RopeSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Cosines and sines of the rotary position embedding (RoFormer, arXiv 2104.09864) for one frequency
 * base, and the rotation.
 *
 * <p>The angle of pair i at position p is {@code p * positionScale * base^(-2i / dimensions) /
 * factor[i]}, computed in double with {@link StrictMath}, so that it is the same everywhere, and
 * rounded once.
 */
public final class RopeTable {

  /** Positions computed together, when the first of them is asked for. */
  private static final int PAGE = 64;

  private final RopeSpec.Style style;
  private final int dimensions;
  private final double[] frequencies; // (pairs)
  private final float[] @Nullable [] pages; // page, (position in page, cosines then sines)

  /**
   * @param base frequency base
   * @param positionScale factor on positions
   * @param factors divisors of each pair's frequency; null for none
   * @param positions positions there may be
   */
  public RopeTable(
      RopeSpec spec, float base, float positionScale, float @Nullable [] factors, int positions) {
    this.style = spec.style();
    this.dimensions = spec.dimensions();
    this.frequencies = new double[dimensions / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double frequency = positionScale * StrictMath.pow(base, -2.0 * i / dimensions);
      frequencies[i] = factors == null ? frequency : frequency / factors[i];
    }
    this.pages = new float[(positions + PAGE - 1) / PAGE][];
  }

  /** Makes the rows of positions {@code [begin, end)}; {@link #rotate} needs them. */
  public void prepare(int begin, int end) {
    for (int page = begin / PAGE; page <= (end - 1) / PAGE; page++) {
      if (pages[page] == null) {
        pages[page] = computePage(page);
      }
    }
  }

  /**
   * Rotates one head in place: of each pair {@code (x, y) -> (x * cos - y * sin, x * sin + y *
   * cos)}, products rounded before they are added.
   *
   * @param offset of the head in float32 elements
   */
  public void rotate(MemorySegment x, long offset, int position) {
    float[] page = pages[position / PAGE];
    if (page == null) {
      throw new IllegalStateException("no rotation was prepared for position " + position);
    }
    int pairs = dimensions / 2;
    int cosines = position % PAGE * dimensions;
    int sines = cosines + pairs;
    boolean adjacent = style == RopeSpec.Style.ADJACENT;
    for (int i = 0; i < pairs; i++) {
      long first = adjacent ? offset + 2L * i : offset + i;
      long second = adjacent ? first + 1 : first + pairs;
      float a = x.getAtIndex(ValueLayout.JAVA_FLOAT, first);
      float b = x.getAtIndex(ValueLayout.JAVA_FLOAT, second);
      float cos = page[cosines + i];
      float sin = page[sines + i];
      x.setAtIndex(ValueLayout.JAVA_FLOAT, first, a * cos - b * sin);
      x.setAtIndex(ValueLayout.JAVA_FLOAT, second, a * sin + b * cos);
    }
  }

  private float[] computePage(int number) {
    float[] page = new float[PAGE * dimensions];
    int pairs = dimensions / 2;
    for (int p = 0; p < PAGE; p++) {
      for (int i = 0; i < pairs; i++) {
        double angle = (double) (number * PAGE + p) * frequencies[i];
        page[p * dimensions + i] = (float) StrictMath.cos(angle);
        page[p * dimensions + pairs + i] = (float) StrictMath.sin(angle);
      }
    }
    return page;
  }
}
