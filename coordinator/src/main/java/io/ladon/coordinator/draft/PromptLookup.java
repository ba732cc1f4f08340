package io.ladon.coordinator.draft;

import java.util.Arrays;

/**
 * Finds where the latest tokens of a text stood before, and drafts what followed there ("prompt
 * lookup decoding", Saxena 2023: texts repeat names, code, and what they are about). Of the latest
 * places where the last two tokens stood, the one with the longest match before it is taken, the
 * later at ties. Before the text may stand another, which a client expects to come again.
 *
 * <p>The places of each pair of tokens are kept as a chain of positions from the last to the first;
 * adding a token and looking one up take constant time.
 */
public final class PromptLookup {

  /** Tokens that must match at least. */
  public static final int SHORTEST_MATCH = 2;

  private static final int LONGEST_MATCH = 32; // longer ones are as good as this
  private static final int PLACES = 16; // of a chain that are looked at
  private static final int NONE = -1;
  private static final int BORDER = -1; // between the two texts: no token

  private final int textBegin; // what is before it is the expected text
  private int[] tokens = new int[64];
  private int[] before = new int[64]; // by position: the previous one in the same chain
  private int[] latest = emptyTable(128); // by hash of a pair: position of its second token
  private int length;
  private int indexed = 1; // positions before this one are in chains; the last token's never is
  private int matched;
  private boolean foretold;

  /** Without an expected text. */
  public PromptLookup() {
    this(new int[0]);
  }

  /**
   * @param expected what may come, with the last tokens of the prompt before it, so that its
   *     beginning is found too
   */
  public PromptLookup(int[] expected) {
    for (int token : expected) {
      add(token);
    }
    if (expected.length > 0) {
      add(BORDER);
    }
    textBegin = length;
  }

  /** Appends a token. */
  public void add(int token) {
    if (length == tokens.length) {
      grow();
    }
    tokens[length++] = token;
  }

  /** Tokens of the text so far. */
  public int length() {
    return length - textBegin;
  }

  /**
   * What may come next.
   *
   * @param most tokens wanted
   * @return {@code most} tokens, fewer where the expected text ends, or none if the last two tokens
   *     have not stood together before
   */
  public int[] draft(int most) {
    index();
    matched = 0;
    foretold = false;
    if (length() < SHORTEST_MATCH || most < 1) {
      return new int[0];
    }
    int best = NONE;
    int place = latest[slot(tokens[length - 2], tokens[length - 1])];
    for (int i = 0; i < PLACES && place != NONE && matched < LONGEST_MATCH; i++) {
      int match = match(place);
      if (match >= SHORTEST_MATCH && match > matched && tokens[place + 1] != BORDER) {
        matched = match;
        best = place;
      }
      place = before[place];
    }
    if (best == NONE) {
      return new int[0];
    }
    foretold = best < textBegin;
    int[] draft = new int[foretold ? Math.min(most, textBegin - 1 - (best + 1)) : most];
    for (int i = 0; i < draft.length; i++) {
      int from = best + 1 + i;
      // Where the match overlaps with the end, the text goes round: the draft goes on with itself.
      draft[i] = from < length ? tokens[from] : draft[from - length];
    }
    return draft;
  }

  /** Tokens that matched for the latest draft; 0 if there was none. */
  public int matched() {
    return matched;
  }

  /** Whether the latest draft is a part of the expected text. */
  public boolean foretold() {
    return foretold;
  }

  /** Equal tokens before and at a place, and before and at the end of the text. */
  private int match(int place) {
    int match = 0;
    while (match < LONGEST_MATCH
        && match <= place
        && tokens[place - match] == tokens[length - 1 - match]) {
      match++;
    }
    return match;
  }

  /** Puts all pairs but the last into their chains: that one would only find itself. */
  private void index() {
    for (; indexed < length - 1; indexed++) {
      int slot = slot(tokens[indexed - 1], tokens[indexed]);
      before[indexed] = latest[slot];
      latest[slot] = indexed;
    }
  }

  /** Pairs that share a slot share a chain; {@link #match} tells them apart. */
  private int slot(int first, int second) {
    int hash = (first * 0x9e3779b9 + second) * 0x85ebca6b;
    return hash >>> (Integer.SIZE - Integer.numberOfTrailingZeros(latest.length));
  }

  private void grow() {
    tokens = Arrays.copyOf(tokens, 2 * length);
    before = new int[2 * length];
    latest = emptyTable(4 * length);
    indexed = 1;
  }

  private static int[] emptyTable(int size) {
    int[] table = new int[size];
    Arrays.fill(table, NONE);
    return table;
  }
}
