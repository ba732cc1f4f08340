package io.ladon.engine.attention;

import io.ladon.engine.kernel.FloatTensor;
import io.ladon.engine.memory.NativeMemory;
import io.ladon.engine.model.RopeSpec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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

  /** Elements whose cosines stand side by side. */
  private static final int UNIT = 16;

  private final RopeSpec.Style style;
  private final int dimensions;
  private final double[] frequencies; // (pairs)
  private final long rowBytes;
  private final @Nullable MemorySegment[] pages; // (position in page, rows)

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
    this.pages = new MemorySegment[(positions + PAGE - 1) / PAGE];
    int elements = style == RopeSpec.Style.ADJACENT ? dimensions : dimensions / 2;
    this.rowBytes = 4L * 2 * AttentionTask.roundUp(elements, UNIT);
  }

  /** Makes the rows of positions {@code [begin, end)}; {@link Attention#rotate} needs them. */
  public void prepare(int begin, int end) {
    for (int page = begin / PAGE; page <= (end - 1) / PAGE; page++) {
      if (pages[page] == null) {
        pages[page] = computePage(page);
      }
    }
  }

  /**
   * Rotates consecutive heads in place: of each pair {@code (x, y) -> (x * cos - y * sin, x * sin +
   * y * cos)}, products rounded before they are added.
   *
   * @param address of the first head, float32
   */
  void rotate(long address, int heads, int headSize, int position) {
    long row = row(position);
    for (int h = 0; h < heads; h++) {
      rotate(address + 4L * h * headSize, row);
    }
  }

  private void rotate(long x, long row) {
    boolean adjacent = style == RopeSpec.Style.ADJACENT;
    int pairs = dimensions / 2;
    for (int i = 0; i < pairs; i++) {
      int element = adjacent ? 2 * i : i;
      long first = x + 4L * element;
      long second = first + (adjacent ? 4L : 4L * pairs);
      float a = NativeMemory.getFloat(first);
      float b = NativeMemory.getFloat(second);
      float cos = NativeMemory.getFloat(row + 4L * cosine(element));
      float sin = NativeMemory.getFloat(row + 4L * (cosine(element + (adjacent ? 1 : 0)) + UNIT));
      NativeMemory.setFloat(first, a * cos - b * sin);
      NativeMemory.setFloat(second, a * sin + b * cos);
    }
  }

  /**
   * Address of a position's row. Of each {@value #UNIT} elements that are rotated it has their
   * cosines, then what the other element of the pair is multiplied by: the sine, for first elements
   * negated. Where pairs are of two halves it has those of second elements only.
   */
  long row(int position) {
    MemorySegment page = pages[position / PAGE];
    if (page == null) {
      throw new IllegalStateException("no rotation was prepared for position " + position);
    }
    return page.address() + position % PAGE * rowBytes;
  }

  /** Rows that follow each other from a position's on, itself included. */
  int rowsFrom(int position) {
    return PAGE - position % PAGE;
  }

  RopeSpec.Style style() {
    return style;
  }

  int dimensions() {
    return dimensions;
  }

  /** Place of an element's cosine in a row. */
  private static int cosine(int element) {
    return element / UNIT * 2 * UNIT + element % UNIT;
  }

  private MemorySegment computePage(int number) {
    // Kept alive by the table; there are few.
    MemorySegment page = Arena.ofAuto().allocate(PAGE * rowBytes, FloatTensor.ALIGNMENT);
    boolean adjacent = style == RopeSpec.Style.ADJACENT;
    for (int p = 0; p < PAGE; p++) {
      long row = page.address() + p * rowBytes;
      for (int i = 0; i < dimensions / 2; i++) {
        double angle = (double) (number * PAGE + p) * frequencies[i];
        float cos = (float) StrictMath.cos(angle);
        float sin = (float) StrictMath.sin(angle);
        if (adjacent) {
          set(row, 2 * i, cos, -sin);
          set(row, 2 * i + 1, cos, sin);
        } else {
          set(row, i, cos, sin);
        }
      }
    }
    return page;
  }

  private static void set(long row, int element, float cos, float other) {
    NativeMemory.setFloat(row + 4L * cosine(element), cos);
    NativeMemory.setFloat(row + 4L * (cosine(element) + UNIT), other);
  }
}
