package io.ladon.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.synth.SyntheticShapes;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PlanDigestTest {

  private final ShardPlan plan = ShardPlan.of(SyntheticShapes.of("llama-135m"), PlanOptions.of(3));

  /** Fails for a component that is new in one of the records and not yet in the digest. */
  @Test
  void dependsOnEveryComponentOfThePlan() throws ReflectiveOperationException {
    Map<String, Object> others = new LinkedHashMap<>();
    vary("plan", plan, others);
    assertThat(others)
        .containsKeys("plan.output", "plan.leaves.downColumns", "plan.spec.rope.slidingBase")
        .containsKeys("plan.spec.tiedEmbeddings", "plan.ranks[2].vocabulary.end", "plan.ranks");
    Map<String, String> seen = new HashMap<>(Map.of(plan.digest(), "plan"));
    others.forEach(
        (what, other) ->
            assertThat(seen.put(((ShardPlan) other).digest(), what)).as(what).isNull());
  }

  /** Adds copies of a record that differ from it in one place, each by the name of the place. */
  private static void vary(String name, Record record, Map<String, Object> copies)
      throws ReflectiveOperationException {
    RecordComponent[] components = record.getClass().getRecordComponents();
    for (int i = 0; i < components.length; i++) {
      Map<String, Object> values = new LinkedHashMap<>();
      String place = name + "." + components[i].getName();
      Object value = values(record)[i];
      switch (value) {
        case Record nested -> vary(place, nested, values);
        case List<?> list -> varyList(place, list, values);
        default -> values.put(place, accepted(record, i, neighbours(value)));
      }
      for (Map.Entry<String, Object> other : values.entrySet()) {
        copies.put(other.getKey(), with(record, i, other.getValue()));
      }
    }
  }

  private static void varyList(String place, List<?> list, Map<String, Object> copies)
      throws ReflectiveOperationException {
    copies.put(place, list.subList(1, list.size()));
    for (int i = 0; i < list.size(); i++) {
      Map<String, Object> elements = new LinkedHashMap<>();
      vary(place + "[" + i + "]", (Record) list.get(i), elements);
      for (Map.Entry<String, Object> element : elements.entrySet()) {
        List<Object> copy = new ArrayList<>(list);
        copy.set(i, element.getValue());
        copies.put(element.getKey(), copy);
      }
    }
  }

  /** Other values, of which a record may refuse some. */
  private static Stream<Object> neighbours(Object value) {
    return switch (value) {
      case Integer number -> Stream.of(number + 1, number - 1, 2 * number);
      case Float number -> Stream.of(2 * number + 1);
      case Boolean is -> Stream.of(!is);
      case String text -> Stream.of(text + "x");
      case Enum<?> constant ->
          Stream.of((Object[]) constant.getDeclaringClass().getEnumConstants())
              .filter(other -> other != constant);
      default -> throw new AssertionError("no other value for " + value.getClass());
    };
  }

  /** The first value that a record accepts as a component. */
  private static Object accepted(Record record, int index, Stream<Object> candidates)
      throws ReflectiveOperationException {
    for (Object candidate : candidates.toList()) {
      try {
        with(record, index, candidate);
        return candidate;
      } catch (InvocationTargetException e) {
        assertThat(e).hasCauseInstanceOf(IllegalArgumentException.class);
      }
    }
    throw new AssertionError(record + " accepts no other component " + index);
  }

  private static Record with(Record record, int index, Object value)
      throws ReflectiveOperationException {
    Class<?>[] types =
        Stream.of(record.getClass().getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    Object[] values = values(record);
    values[index] = value;
    Constructor<? extends Record> constructor = record.getClass().getDeclaredConstructor(types);
    return constructor.newInstance(values);
  }

  private static Object[] values(Record record) throws ReflectiveOperationException {
    RecordComponent[] components = record.getClass().getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = components[i].getAccessor().invoke(record);
    }
    return values;
  }
}
