package io.ladon.coordinator.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the tokens that are recognised in a text before anything else, the longest names first, and
 * all places of one name before those of the next, as llama.cpp does.
 */
final class SpecialTokens {

  /** A stretch of text, or a token if {@code token >= 0}. */
  record Fragment(int token, int start, int end) {}

  private record Special(int id, String name, int kind) {}

  private final List<Special> specials; // longest first
  // A trie over the names' chars, to see in one pass which names occur: node << 16 | char -> node.
  private final Map<Long, Integer> edges = new HashMap<>();
  private final Map<Integer, Integer> nodeToSpecial = new HashMap<>();
  private final BitSet firstChars = new BitSet();

  SpecialTokens(Vocabulary vocabulary) {
    List<Special> found = new ArrayList<>();
    int special = Vocabulary.CONTROL | Vocabulary.USER_DEFINED | Vocabulary.UNKNOWN;
    for (int id = 0; id < vocabulary.size; id++) {
      if (vocabulary.is(id, special)) {
        found.add(new Special(id, vocabulary.name(id), vocabulary.kind(id)));
      }
    }
    found.sort(Comparator.comparingInt((Special s) -> vocabulary.names.length(s.id)).reversed());
    specials = List.copyOf(found);
    int nodes = 1;
    for (int i = 0; i < specials.size(); i++) {
      String name = specials.get(i).name;
      firstChars.set(name.charAt(0));
      int node = 0;
      for (int c = 0; c < name.length(); c++) {
        Integer next = edges.putIfAbsent(((long) node << 16) | name.charAt(c), nodes);
        node = next == null ? nodes++ : next;
      }
      nodeToSpecial.putIfAbsent(node, i);
    }
  }

  /**
   * Cuts a text into fragments; none is empty.
   *
   * @param control whether the names of control tokens count too, not only user-defined ones
   */
  List<Fragment> partition(String text, boolean control) {
    List<Fragment> fragments = new ArrayList<>();
    if (text.isEmpty()) {
      return fragments;
    }
    fragments.add(new Fragment(-1, 0, text.length()));
    BitSet occurring = occurring(text);
    for (int i = occurring.nextSetBit(0); i >= 0; i = occurring.nextSetBit(i + 1)) {
      Special special = specials.get(i);
      if (control || (special.kind & (Vocabulary.CONTROL | Vocabulary.UNKNOWN)) == 0) {
        fragments = cut(text, fragments, special);
      }
    }
    return fragments;
  }

  private BitSet occurring(String text) {
    BitSet occurring = new BitSet();
    for (int start = 0; start < text.length(); start++) {
      if (!firstChars.get(text.charAt(start))) {
        continue;
      }
      Integer node = 0;
      for (int i = start; i < text.length(); i++) {
        node = edges.get(((long) node << 16) | text.charAt(i));
        if (node == null) {
          break;
        }
        Integer special = nodeToSpecial.get(node);
        if (special != null) {
          occurring.set(special);
        }
      }
    }
    return occurring;
  }

  private static List<Fragment> cut(String text, List<Fragment> fragments, Special special) {
    List<Fragment> result = new ArrayList<>(fragments.size() + 2);
    for (Fragment fragment : fragments) {
      if (fragment.token >= 0) {
        result.add(fragment);
        continue;
      }
      int start = fragment.start;
      int match = text.indexOf(special.name, start, fragment.end);
      while (match >= 0) {
        int left = match;
        if ((special.kind & Vocabulary.STRIP_LEFT) != 0) {
          while (left > start && isSpace(text.charAt(left - 1))) {
            left--;
          }
        }
        if (left > start) {
          result.add(new Fragment(-1, start, left));
        }
        result.add(new Fragment(special.id, match, match + special.name.length()));
        start = match + special.name.length();
        if ((special.kind & Vocabulary.STRIP_RIGHT) != 0) {
          while (start < fragment.end && isSpace(text.charAt(start))) {
            start++;
          }
        }
        match = start < fragment.end ? text.indexOf(special.name, start, fragment.end) : -1;
      }
      if (start < fragment.end) {
        result.add(new Fragment(-1, start, fragment.end));
      }
    }
    return result;
  }

  /** C's isspace. */
  private static boolean isSpace(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
  }
}
