package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.tokenizer.Detokenizer;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * One choice's way from tokens to text: whole characters only, stop texts and what follows them cut
 * off, and each token handed out with the piece of text that completes it.
 */
final class ChoiceText {

  /**
   * A token of the answer.
   *
   * @param offset where its text begins in the choice's text, in Unicode code points
   */
  record Placed(GeneratedToken token, int offset) {}

  /**
   * Text that is ready to be sent.
   *
   * @param tokens those complete with this text; none where nobody asked for log-probabilities
   */
  record Piece(String text, List<Placed> tokens) {
    boolean isEmpty() {
      return text.isEmpty() && tokens.isEmpty();
    }
  }

  /** A token whose text is not all out; offsets in UTF-16 units. */
  private record Pending(GeneratedToken token, int start, int end, int codePoint) {}

  private final Tokenizer tokenizer;
  private final Detokenizer detokenizer;
  private final StopMatcher stops;
  private final boolean keepTokens;
  private final ArrayDeque<Pending> pending = new ArrayDeque<>();
  private int decoded; // UTF-16 units that the tokens so far made
  private int decodedCodePoints;
  private int released; // UTF-16 units handed out
  private int tokens;

  ChoiceText(Tokenizer tokenizer, List<String> stops, boolean keepTokens) {
    this.tokenizer = tokenizer;
    this.detokenizer = tokenizer.detokenizer();
    this.stops = new StopMatcher(stops);
    this.keepTokens = keepTokens;
  }

  /** Adds a token. */
  Piece push(GeneratedToken token) {
    tokens++;
    // Where the model's end is overruled, the tokens that mean it are kept, but they are no text.
    String text = tokenizer.isEndOfGeneration(token.id()) ? "" : detokenizer.push(token.id());
    if (keepTokens) {
      pending.add(new Pending(token, decoded, decoded + text.length(), decodedCodePoints));
    }
    return release(text);
  }

  /** The generation has ended by itself: the rest of the text, unless it was stopped. */
  Piece finish() {
    if (stops.stopped()) {
      return new Piece("", List.of());
    }
    Piece last = release(detokenizer.flush());
    String rest = stops.finish();
    released += rest.length();
    List<Placed> all = new ArrayList<>(last.tokens());
    if (!stops.stopped()) {
      pending.forEach(p -> all.add(new Placed(p.token(), p.codePoint())));
      pending.clear();
    }
    return new Piece(last.text() + rest, all);
  }

  private Piece release(String text) {
    decoded += text.length();
    decodedCodePoints += text.codePointCount(0, text.length());
    String out = stops.push(text);
    released += out.length();
    List<Placed> ready = List.of();
    while (!pending.isEmpty() && isReady(pending.getFirst())) {
      if (ready.isEmpty()) {
        ready = new ArrayList<>();
      }
      Pending next = pending.removeFirst();
      ready.add(new Placed(next.token(), next.codePoint()));
    }
    if (stops.stopped()) {
      pending.clear();
    }
    return new Piece(out, ready);
  }

  private boolean isReady(Pending next) {
    return next.end() <= released || (stops.stopped() && next.start() < released);
  }

  /** Whether a stop text has come; nothing is added any more. */
  boolean stopped() {
    return stops.stopped();
  }

  /** Tokens that made the text, the one that completed a stop text included. */
  int tokens() {
    return tokens;
  }
}
