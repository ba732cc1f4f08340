package io.ladon.coordinator.draft;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class PromptLookupTest {

  private static PromptLookup of(int... tokens) {
    PromptLookup lookup = new PromptLookup();
    Arrays.stream(tokens).forEach(lookup::add);
    return lookup;
  }

  @Test
  void nothingWhereTheLastTwoTokensAreNew() {
    for (int[] text : new int[][] {{}, {1}, {1, 2}, {1, 2, 3, 1, 3}, {1, 2, 2}}) {
      PromptLookup lookup = of(text);
      assertThat(lookup.draft(4)).isEmpty();
      assertThat(lookup.matched()).isZero();
    }
    assertThat(of(1, 2, 3, 1, 2).draft(0)).isEmpty();
  }

  @Test
  void whatFollowedTheLongestMatch() {
    PromptLookup lookup = of(9, 1, 2, 3, 30, 31, 8, 2, 3, 40, 41, 9, 1, 2, 3);
    assertThat(lookup.draft(3)).containsExactly(30, 31, 8);
    assertThat(lookup.matched()).isEqualTo(4);
  }

  @Test
  void theLaterOfEquallyLongMatches() {
    assertThat(of(1, 2, 3, 5, 1, 2, 4, 6, 1, 2).draft(1)).containsExactly(4);
  }

  @Test
  void aTextThatGoesRoundGoesOnGoingRound() {
    assertThat(of(7, 7, 7).draft(5)).containsExactly(7, 7, 7, 7, 7);
    assertThat(of(1, 2, 3, 1, 2, 3, 1, 2).draft(8)).containsExactly(3, 1, 2, 3, 1, 2, 3, 1);
  }

  @Test
  void tokensAreAddedBetweenDrafts() {
    PromptLookup lookup = of(1, 2, 3, 4, 1, 2);
    assertThat(lookup.draft(2)).containsExactly(3, 4);
    lookup.add(5);
    assertThat(lookup.draft(2)).isEmpty();
    lookup.add(1);
    lookup.add(2);
    assertThat(lookup.draft(1)).containsExactly(5);
  }

  @Test
  void anExpectedTextIsFoundFromItsBeginning() {
    PromptLookup lookup = new PromptLookup(new int[] {8, 9, 50, 51, 52, 53});
    for (int token : new int[] {7, 8, 9}) {
      lookup.add(token);
    }
    assertThat(lookup.length()).isEqualTo(3);
    assertThat(lookup.draft(3)).containsExactly(50, 51, 52);
    assertThat(lookup.foretold()).isTrue();
    lookup.add(50);
    lookup.add(51);
    assertThat(lookup.draft(9)).containsExactly(52, 53); // there it ends
    lookup.add(52);
    lookup.add(53);
    assertThat(lookup.draft(9)).isEmpty();
    // The text itself is looked up as ever.
    lookup.add(8);
    lookup.add(9);
    lookup.add(50);
    lookup.add(60);
    lookup.add(9);
    lookup.add(50);
    assertThat(lookup.draft(2)).containsExactly(60, 9);
    assertThat(lookup.foretold()).isFalse();
  }

  @Property(tries = 300)
  void asALookThroughTheWholeTextFinds(@ForAll long seed) {
    Random random = new Random(seed);
    int letters = 5 + random.nextInt(10);
    int[] text = random.ints(1 + random.nextInt(200), 0, letters).toArray();
    PromptLookup lookup = new PromptLookup();
    for (int length = 1; length <= text.length; length++) {
      lookup.add(text[length - 1]);
      if (random.nextInt(3) == 0) {
        int most = 1 + random.nextInt(8);
        int[] drafted = lookup.draft(most);
        assertThat(drafted).isEqualTo(slowly(Arrays.copyOf(text, length), most));
      }
    }
  }

  /** Among the latest sixteen places of the last two tokens, the latest with the longest match. */
  private static int[] slowly(int[] text, int most) {
    int best = -1;
    int longest = 1;
    int seen = 0;
    for (int end = text.length - 2; end >= 1 && seen < 16; end--) {
      int match = 0;
      while (match < 32 && match <= end && text[end - match] == text[text.length - 1 - match]) {
        match++;
      }
      seen += match >= 2 ? 1 : 0;
      if (match > longest) {
        longest = match;
        best = end;
      }
    }
    if (best < 0) {
      return new int[0];
    }
    int[] all = Arrays.copyOf(text, text.length + most);
    for (int i = 0; i < most; i++) {
      all[text.length + i] = all[best + 1 + i];
    }
    return Arrays.copyOfRange(all, text.length, all.length);
  }
}
