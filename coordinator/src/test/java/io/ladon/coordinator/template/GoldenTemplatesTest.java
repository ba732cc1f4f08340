package io.ladon.coordinator.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.json.JsonMapper;

/** Templates whose expected output Jinja itself has written; see {@code render_golden.py}. */
class GoldenTemplatesTest {

  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-11-24T08:05:09Z"), ZoneOffset.UTC);

  private record Golden(
      Map<String, Object> variables,
      Map<String, String> templates,
      Map<String, Map<String, Object>> inputs,
      List<Case> cases) {}

  private record Case(String template, String input, String expected, @Nullable Boolean error) {}

  @TestFactory
  Stream<DynamicTest> expressionsAndStatements() throws IOException {
    return cases("expressions.json");
  }

  @TestFactory
  Stream<DynamicTest> chats() throws IOException {
    return cases("chats.json");
  }

  private static Stream<DynamicTest> cases(String file) throws IOException {
    try (InputStream json = GoldenTemplatesTest.class.getResourceAsStream(file)) {
      Golden golden =
          JsonMapper.shared().readValue(Objects.requireNonNull(json, file), Golden.class);
      assertThat(golden.cases).hasSizeGreaterThan(100);
      return golden.cases.stream()
          .map(
              each ->
                  DynamicTest.dynamicTest(
                      each.template + " / " + each.input, () -> check(golden, each)));
    }
  }

  private static void check(Golden golden, Case each) {
    Map<String, Object> variables = new HashMap<>(golden.variables);
    boolean named = golden.templates != null;
    String source =
        named ? Objects.requireNonNull(golden.templates.get(each.template)) : each.template;
    if (named) {
      variables.putAll(Objects.requireNonNull(golden.inputs.get(each.input)));
    }
    if (each.error != null) {
      assertThatThrownBy(() -> render(source, variables)).isInstanceOf(TemplateException.class);
    } else {
      assertThat(render(source, variables)).isEqualTo(each.expected);
    }
  }

  private static String render(String template, Map<String, Object> variables) {
    return ChatTemplate.compile(template)
        .render(variables, CLOCK, new Budget(1_000_000, 1_000_000));
  }
}
