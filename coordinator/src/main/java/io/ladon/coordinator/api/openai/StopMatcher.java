package io.ladon.coordinator.api.openai;

import java.util.List;

/**
 * Looks for stop texts in a text that comes in pieces of any size. Holds back what may be the
 * beginning of one. Of several that match, the one that is complete first wins, and of those that
 * end together the longest, so the result does not depend on how the text was cut.
 */
final class StopMatcher {
  private final List<String> stops;
  private String held = "";
  private boolean stopped;

  StopMatcher(List<String> stops) {
    this.stops = stops;
  }

  /** Adds text; returns what is now known to be part of the answer. */
  String push(String text) {
    if (stopped) {
      return "";
    }
    if (stops.isEmpty()) {
      return text;
    }
    String all = held + text;
    int end = Integer.MAX_VALUE;
    int start = -1;
    for (String stop : stops) {
      int at = all.indexOf(stop);
      if (at >= 0 && (at + stop.length() < end || (at + stop.length() == end && at < start))) {
        start = at;
        end = at + stop.length();
      }
    }
    if (start >= 0) {
      stopped = true;
      held = "";
      return all.substring(0, start);
    }
    int safe = all.length() - longestBeginning(all);
    held = all.substring(safe);
    return all.substring(0, safe);
  }

  /** The text has ended: what was held back is part of the answer after all. */
  String finish() {
    String rest = held;
    held = "";
    return rest;
  }

  /** Whether a stop text has come. */
  boolean stopped() {
    return stopped;
  }

  /** Length of the longest end of {@code text} that a stop text begins with. */
  private int longestBeginning(String text) {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, text.length()); n > longest; n--) {
        if (text.regionMatches(text.length() - n, stop, 0, n)) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
