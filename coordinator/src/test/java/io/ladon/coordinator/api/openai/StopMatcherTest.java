package io.ladon.coordinator.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
  private static String pieces(List<String> stops, String text, int size) {
    StopMatcher matcher = new StopMatcher(stops);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i += size) {
      out.append(matcher.push(text.substring(i, Math.min(i + size, text.length()))));
      for (String stop : stops) {
        assertThat(out).doesNotContain(stop);
      }
    }
    return out + (matcher.stopped() ? "" : matcher.finish()) + (matcher.stopped() ? "|" : "");
  }

  /** The rule in its plainest form: the first end of a match, of those the first beginning. */
  private static String whole(List<String> stops, String text) {
    for (int end = 1; end <= text.length(); end++) {
      for (int start = 0; start < end; start++) {
        if (stops.contains(text.substring(start, end))) {
          return text.substring(0, start) + "|";
        }
      }
    }
    return text;
  }

  @Property
  void howTheTextIsCutMakesNoDifference(
      @ForAll @Size(max = 4)
          List<@StringLength(min = 1, max = 4) @CharRange(from = 'a', to = 'c') String> stops,
      @ForAll @StringLength(max = 30) @CharRange(from = 'a', to = 'c') String text,
      @ForAll @IntRange(min = 1, max = 5) int size) {
    assertThat(pieces(stops, text, size)).isEqualTo(whole(stops, text));
  }

  @Test
  void nothingIsHeldBackLongerThanNeeded() {
    StopMatcher matcher = new StopMatcher(List.of("abcd", "cx"));
    assertThat(matcher.push("zab")).isEqualTo("z");
    assertThat(matcher.push("c")).isEqualTo("");
    assertThat(matcher.push("e")).isEqualTo("abce");
    assertThat(matcher.push("c")).isEqualTo("");
    assertThat(matcher.push("x")).isEqualTo("");
    assertThat(matcher.stopped()).isTrue();
    assertThat(matcher.push("more")).isEqualTo("");
    assertThat(matcher.finish()).isEqualTo("");
  }
}
