package io.ladon.coordinator.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ChatTemplateTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      textBlock =
          """
          {{ 1 + }} ; 1 ; 8 ; expected an expression, found '}}'
          ab{{ 'x }} ; 1 ; 6 ; this string does not end
          {{ x ; 1 ; 1 ; this tag does not end
          {% for x in y %} ; 1 ; 17 ; expected 'else' or 'endfor', found the end of the template
          {% frob %} ; 1 ; 4 ; the block 'frob' is not known here
          a{{ missing.x }} ; 1 ; 12 ; 'missing' is undefined
          {{ 'a'|frob }} ; 1 ; 8 ; there is no filter 'frob'
          {{ 1 is frob }} ; 1 ; 9 ; there is no test 'frob'
          {{ 1 + 'a' }} ; 1 ; 6 ; cannot do an int + a string
          {{ raise_exception('no') }} ; 1 ; 19 ; no
          {{ [1].append(2) }} ; 1 ; 14 ; 'append' changes its object
          {% break %} ; 1 ; 4 ; 'break' outside of a loop
          """)
  void errorsNameLineAndColumn(String template, int line, int column, String message) {
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile(template).render(Map.of()))
        .withMessageContaining(message)
        .satisfies(
            e -> {
              assertThat(e.line()).isEqualTo(line);
              assertThat(e.column()).isEqualTo(column);
            });
  }

  @Test
  void linesCountFromTheTopOfTheTemplate() {
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile("a\nb\n  {{ nope() }}").render(Map.of()))
        .withMessage("chat template, line 3, column 10: 'nope' is undefined");
  }

  @Test
  void aRefusalIsToldFromAFailure() {
    ChatTemplate template =
        ChatTemplate.compile("{{ raise_exception('roles must alternate') if bad else oops() }}");
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> template.render(Map.of("bad", true)))
        .matches(TemplateException::isRefusal);
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> template.render(Map.of("bad", false)))
        .matches(e -> !e.isRefusal());
  }

  @Test
  void takesTheNumbersOfJson() {
    Object values = Arrays.asList(1, 2L, 1.5f, 2.0, (short) 3, null, true);
    assertThat(ChatTemplate.compile("{{ v }} {{ v|tojson }}").render(Map.of("v", values)))
        .isEqualTo("[1, 2, 1.5, 2.0, 3, None, True] [1, 2, 1.5, 2.0, 3, null, true]");
  }

  @Test
  void whatIsGivenIsNotChanged() {
    List<Object> messages = List.of(Map.of("role", "user"));
    String text =
        ChatTemplate.compile("{% set messages = messages + [1] %}{{ messages|length }}")
            .render(Map.of("messages", messages));
    assertThat(text).isEqualTo("2");
    assertThat(messages).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}"
            + "{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
            + "{% endfor %}",
        "{{ 'x' * 999999999999 }}",
        "{{ [1] * 999999999999 }}",
        "{{ '%9999d' % 1 * 99999999 }}",
        "{{ 'x'|center(2000000000) }}",
        "{{ 'a'.ljust(2000000000) }}",
        "{{ ('a' * 60000000).replace('a', 'b' * 60000000) }}",
        "{{ (['a' * 1000000] * 1000)|join('b' * 1000000) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for x in [[]] recursive %}{{ loop([[]]) }}{% endfor %}",
        "{% for a in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
        "{{ range(100000000000) }}",
        "{{ range(0, 9, 0) }}",
      })
  void aHostileTemplateIsStopped(String template) {
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile(template).render(Map.of()));
  }

  @Test
  void deepNestingIsRefused() {
    String deep = "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}";
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile(deep))
        .withMessageContaining("nested more than");
    String minus = "{{ " + "-".repeat(100_000) + "1 }}";
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile(minus));
    String ifs = "{% if 1 %}".repeat(100_000);
    assertThatExceptionOfType(TemplateException.class).isThrownBy(() -> ChatTemplate.compile(ifs));
    String dots = "{{ x" + ".y".repeat(100_000) + " }}";
    assertThatExceptionOfType(TemplateException.class)
        .isThrownBy(() -> ChatTemplate.compile(dots).render(Map.of("x", Map.of())));
  }

  @Test
  void aLongConversationFitsTheLimits() {
    List<Object> messages =
        java.util.Collections.nCopies(
            2_000, Map.of("role", "user", "content", "text ".repeat(400)));
    String text =
        ChatTemplate.compile(
                "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] | trim }}\n{% endfor %}")
            .render(Map.of("messages", messages));
    assertThat(text).hasSize(2_000 * (9 + 1_999));
  }
}
