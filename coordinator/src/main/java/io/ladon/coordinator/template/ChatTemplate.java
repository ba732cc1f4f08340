package io.ladon.coordinator.template;

import io.ladon.engine.checkpoint.CheckpointException;
import io.ladon.engine.checkpoint.GgufHeader;
import java.math.BigInteger;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A chat template: Jinja, as far as templates of real models use it, and as the transformers
 * library sets it up ({@code trim_blocks}, {@code lstrip_blocks}, loop controls, its {@code
 * tojson}, {@code raise_exception}, {@code strftime_now}; nothing a template is given can be
 * changed). Text is never escaped for HTML, also not where {@code safe} would make Jinja escape
 * what is joined to it. The time and memory that a rendering takes are bounded. Immutable; safe for
 * many threads.
 */
public final class ChatTemplate {

  /** The metadata key of a model file that holds the template. */
  public static final String KEY = "tokenizer.chat_template";

  private static final long MOST_STEPS = 20_000_000;
  private static final int MOST_CHARACTERS = 64 << 20;
  private static final int MOST_NESTED_DATA = 200;

  private final List<Statement> statements;

  private ChatTemplate(List<Statement> statements) {
    this.statements = statements;
  }

  /**
   * Compiles a template.
   *
   * @throws TemplateException naming line and column, if it is malformed or beyond this subset
   */
  public static ChatTemplate compile(String template) {
    return new ChatTemplate(StatementParser.parse(template));
  }

  /**
   * The template of a model file, or null if it has none.
   *
   * @throws TemplateException naming line and column, if it is malformed or beyond this subset
   * @throws CheckpointException if the file's entry is no string
   */
  public static @Nullable ChatTemplate of(GgufHeader header) throws CheckpointException {
    return header.has(KEY) ? compile(header.string(KEY)) : null;
  }

  /**
   * Renders the template.
   *
   * @param variables by name, such as {@code messages}, {@code add_generation_prompt}, {@code
   *     bos_token}, {@code tools}: strings, booleans, numbers, null, and lists and maps of these
   * @throws TemplateException naming line and column, if the template refuses them or fails
   */
  public String render(Map<String, ? extends @Nullable Object> variables) {
    return render(
        variables, Clock.system(ZoneId.systemDefault()), new Budget(MOST_STEPS, MOST_CHARACTERS));
  }

  String render(Map<String, ? extends @Nullable Object> variables, Clock clock, Budget budget) {
    Scope scope = new Scope(Globals.scope(clock, budget));
    variables.forEach((name, value) -> scope.set(name, normalized(value, 0)));
    return new Renderer(new Evaluator(budget)).render(statements, new Scope(scope));
  }

  /** A value in the classes that the evaluator knows: integers as Long, other numbers as Double. */
  private static @Nullable Object normalized(@Nullable Object value, int depth) {
    if (depth > MOST_NESTED_DATA) {
      throw new IllegalArgumentException("data nested more than " + MOST_NESTED_DATA + " deep");
    }
    return switch (value) {
      case null -> null;
      case String text -> text;
      case Boolean b -> b;
      case Long number -> number;
      case Integer number -> number.longValue();
      case Short number -> number.longValue();
      case Byte number -> number.longValue();
      case BigInteger number when number.bitLength() < 64 -> number.longValue();
      case Number number -> number.doubleValue();
      case List<?> list -> {
        List<@Nullable Object> copy = new ArrayList<>(list.size());
        for (Object item : list) {
          copy.add(normalized(item, depth + 1));
        }
        yield copy;
      }
      case Map<?, ?> map -> {
        Map<Object, @Nullable Object> copy = new LinkedHashMap<>();
        map.forEach((key, item) -> copy.put(String.valueOf(key), normalized(item, depth + 1)));
        yield copy;
      }
      default -> throw new IllegalArgumentException("no value for a template: " + value.getClass());
    };
  }
}
