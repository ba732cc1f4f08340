package io.ladon.coordinator.tokenizer;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * How a text is cut into words before byte-pair merges, which never cross a word.
 *
 * @param steps applied in order, each to the parts that the one before left
 * @param traits what else the name of a pre-tokenizer implies
 */
record PreTokenizer(List<SplitStep> steps, Set<Trait> traits) {

  /** What a pre-tokenizer's name implies beside its splits. */
  enum Trait {
    /** A word that is a token is taken as that token, whatever the merges say. */
    IGNORE_MERGES,
    /** Begin-of-text is added unless the file says otherwise. */
    ADD_BEGIN,
    /** Begin-of-text is added whatever the file says. */
    FORCE_BEGIN,
    /** Tokens are plain UTF-8 with byte tokens such as {@code <0x0A>}, not GPT-2's byte letters. */
    RAW_UTF8,
    /** Spaces are written as U+2581. */
    ESCAPE_SPACES,
    /** A run of line feeds that is a token is taken as that token. */
    WHOLE_LINE_FEEDS,
    /** White space itself becomes no token. */
    DROP_SPACES,
    /** Letters become lower case. */
    LOWER_CASE
  }

  /** The same splits with these traits too. */
  PreTokenizer with(Trait... implied) {
    Set<Trait> all = EnumSet.noneOf(Trait.class);
    all.addAll(traits);
    all.addAll(List.of(implied));
    return new PreTokenizer(steps, all);
  }

  boolean has(Trait trait) {
    return traits.contains(trait);
  }

  /** The ends of the words of a text, in code points. */
  IntList split(SplitText text) {
    IntList ends = new IntList(text.length() / 4 + 1);
    if (text.length() > 0) {
      ends.add(text.length());
    }
    IntList next = new IntList(text.length() / 4 + 1);
    for (SplitStep step : steps) {
      next.clear();
      int start = 0;
      for (int i = 0; i < ends.size(); i++) {
        step.split(text, start, ends.get(i), next);
        start = ends.get(i);
      }
      IntList swap = ends;
      ends = next;
      next = swap;
    }
    return ends;
  }
}
