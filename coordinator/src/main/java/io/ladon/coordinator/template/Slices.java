package io.ladon.coordinator.template;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Python's indices and slices; negative ones count from the end, those of strings code points. */
final class Slices {

  private Slices() {}

  /** One element, or an undefined value. */
  static @Nullable Object element(@Nullable Object object, long index) {
    long size =
        switch (object) {
          case String text -> Texts.length(text);
          case List<?> list -> list.size();
          case null, default -> 0;
        };
    long at = index < 0 ? index + size : index;
    if (at < 0 || at >= size) {
      return new Undefined(PythonText.typeName(object) + " has no item " + index);
    }
    if (object instanceof String text) {
      return Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at)));
    }
    return object instanceof List<?> list ? list.get((int) at) : null;
  }

  static @Nullable Object slice(
      @Nullable Object object,
      @Nullable Object from,
      @Nullable Object to,
      @Nullable Object by,
      Budget budget) {
    long step = by == null ? 1 : Operators.integer(by, "the step of a slice");
    if (step == 0) {
      throw new EvaluationException("the step of a slice is zero");
    }
    if (object instanceof String text) {
      int[] codePoints = text.codePoints().toArray();
      budget.characters(codePoints.length);
      StringBuilder out = new StringBuilder();
      for (int i : indices(codePoints.length, from, to, step)) {
        out.appendCodePoint(codePoints[i]);
      }
      return out.toString();
    }
    if (object instanceof List<?> list) {
      List<@Nullable Object> out = new ArrayList<>();
      int[] indices = indices(list.size(), from, to, step);
      budget.spend(indices.length);
      for (int i : indices) {
        out.add(list.get(i));
      }
      return list instanceof Tuple ? new Tuple(out) : out;
    }
    if (object instanceof Undefined undefined) {
      throw undefined.error();
    }
    throw new EvaluationException(PythonText.typeName(object) + " cannot be sliced");
  }

  private static int[] indices(int size, @Nullable Object from, @Nullable Object to, long step) {
    long lowest = step > 0 ? 0 : -1;
    long highest = step > 0 ? size : size - 1;
    long start = bound(from, step > 0 ? lowest : highest, size, lowest, highest);
    long end = bound(to, step > 0 ? highest : lowest, size, lowest, highest);
    int count = 0;
    int[] indices = new int[size];
    for (long i = start; step > 0 ? i < end : i > end; i += step) {
      indices[count++] = (int) i;
    }
    return java.util.Arrays.copyOf(indices, count);
  }

  private static long bound(
      @Nullable Object given, long fallback, int size, long lowest, long highest) {
    if (given == null) {
      return fallback;
    }
    long index = Operators.integer(given, "the bound of a slice");
    return Math.clamp(index < 0 ? index + size : index, lowest, highest);
  }
}
