package io.ladon.coordinator.template;

import java.util.AbstractList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A Python tuple: a list that prints with parentheses. */
final class Tuple extends AbstractList<@Nullable Object> {

  private final List<@Nullable Object> items;

  Tuple(List<@Nullable Object> items) {
    this.items = items;
  }

  static Tuple of(@Nullable Object first, @Nullable Object second) {
    return new Tuple(java.util.Arrays.asList(first, second));
  }

  @Override
  public @Nullable Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }
}
