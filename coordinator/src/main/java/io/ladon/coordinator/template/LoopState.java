package io.ladon.coordinator.template;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}. */
final class LoopState {

  private final List<@Nullable Object> items;
  private final int depth; // of recursive loops, from 0
  private final @Nullable Callable recursion;
  private int index; // from 0
  private @Nullable List<@Nullable Object> changing;

  LoopState(List<@Nullable Object> items, int depth, @Nullable Callable recursion) {
    this.items = items;
    this.depth = depth;
    this.recursion = recursion;
  }

  void moveTo(int index) {
    this.index = index;
  }

  @Nullable Callable recursion() {
    return recursion;
  }

  @Nullable Object get(String name) {
    int size = items.size();
    return switch (name) {
      case "index" -> (long) index + 1;
      case "index0" -> (long) index;
      case "revindex" -> (long) size - index;
      case "revindex0" -> (long) size - index - 1;
      case "first" -> index == 0;
      case "last" -> index == size - 1;
      case "length" -> (long) size;
      case "depth" -> (long) depth + 1;
      case "depth0" -> (long) depth;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < size ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> new Undefined("loop has no attribute '" + name + "'");
    };
  }

  private @Nullable Object cycle(CallArguments arguments) {
    List<@Nullable Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new EvaluationException("cycle() needs values");
    }
    return values.get(index % values.size());
  }

  private @Nullable Object changed(CallArguments arguments) {
    boolean changed = !Objects.equals(changing, arguments.positional());
    changing = arguments.positional();
    return changed;
  }
}
