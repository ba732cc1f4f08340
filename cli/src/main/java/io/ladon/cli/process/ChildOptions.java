package io.ladon.cli.process;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The options of a process that another command starts. A command goes through its options once, as
 * in {@code threads = options.option("--threads", threads, Integer::valueOf)}: that writes them
 * into a child's command line, or reads them there. All of picocli reads the same lines, but
 * looking at everything that a command could be told takes a tenth of a child's start.
 */
public abstract sealed class ChildOptions {

  /** An option that always has a value, which is also its default. */
  public abstract <T> T option(String name, T value, Function<String, T> parse);

  /** An option that may have no value. */
  public abstract <T> @Nullable T optional(
      String name, @Nullable T value, Function<String, T> parse);

  /** Writes options. */
  public static final class Writer extends ChildOptions {

    private final List<String> arguments = new ArrayList<>();

    @Override
    public <T> T option(String name, T value, Function<String, T> parse) {
      arguments.add(name);
      arguments.add(value.toString());
      return value;
    }

    @Override
    public <T> @Nullable T optional(String name, @Nullable T value, Function<String, T> parse) {
      return value == null ? null : option(name, value, parse);
    }

    /** What was written. */
    public List<String> arguments() {
      return List.copyOf(arguments);
    }
  }

  /** Reads options. */
  public static final class Reader extends ChildOptions {

    private final Map<String, String> values = new LinkedHashMap<>();

    /**
     * @param arguments names and values by turns
     */
    public Reader(List<String> arguments) {
      for (int i = 0; i < arguments.size(); i += 2) {
        if (i + 1 == arguments.size()) {
          throw new IllegalArgumentException(arguments.get(i) + " has no value");
        }
        values.put(arguments.get(i), arguments.get(i + 1));
      }
    }

    @Override
    public <T> T option(String name, T value, Function<String, T> parse) {
      String text = values.remove(name);
      return text == null ? value : parsed(name, text, parse);
    }

    @Override
    public <T> @Nullable T optional(String name, @Nullable T value, Function<String, T> parse) {
      String text = values.remove(name);
      return text == null ? value : parsed(name, text, parse);
    }

    private static <T> T parsed(String name, String text, Function<String, T> parse) {
      try {
        return parse.apply(text);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            "invalid value for option '%s': '%s'".formatted(name, text), e);
      }
    }

    /**
     * @throws IllegalArgumentException if options are left that nobody asked for
     */
    public void end() {
      if (!values.isEmpty()) {
        throw new IllegalArgumentException("nobody knows " + values.keySet());
      }
    }
  }
}
