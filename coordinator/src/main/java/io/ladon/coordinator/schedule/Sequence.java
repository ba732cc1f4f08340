package io.ladon.coordinator.schedule;

import io.ladon.coordinator.draft.Acceptance;
import io.ladon.coordinator.draft.PromptLookup;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.Usage;
import io.ladon.proto.CandidateRequest;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way: its tokens, which are the truth, and how many of them the ranks have in
 * their KV blocks. Owned by the loop.
 */
final class Sequence {

  private static final int[] NO_BLOCKS = {};

  final long id;
  final GenerationRequest request;
  final GenerationListener listener;
  final long acceptedNanos;

  /** Asked of each rank for every token. */
  final CandidateRequest candidates;

  /** Set by the client's side, from any thread: nothing more is told but the end. */
  volatile boolean cancelRequested;

  /** Ends the wait in the queue; null before and after. */
  Loop.@Nullable Timer queueTimer;

  /** Why it is over; null while it is not. */
  @Nullable FinishReason finish;

  /** Whether it has been told to the listener that it is over. */
  boolean told;

  int[] blocks = NO_BLOCKS;
  private int[] tokens; // prompt, then generated
  private int length; // of tokens
  private int computed; // of tokens, those whose keys and values the ranks have
  private long firstStepNanos;
  private long firstTokenNanos;
  private long lastTokenNanos;
  private long computeNanos; // of all ranks in this sequence's steps
  private long exchangeNanos; // of it
  private final Acceptance acceptance = new Acceptance();
  private @Nullable PromptLookup lookup; // of the tokens; null until a draft is asked for
  private int[] draft = {}; // of what may follow the tokens
  private int drafted; // tokens that were tested
  private int draftedRight; // of them
  private int predicted; // of the drafted, those of the client's prediction
  private int predictedRight; // of them
  private boolean testsPrediction;

  Sequence(
      long id,
      GenerationRequest request,
      GenerationListener listener,
      CandidateRequest candidates,
      long acceptedNanos) {
    this.id = id;
    this.request = request;
    this.listener = listener;
    this.candidates = candidates;
    this.acceptedNanos = acceptedNanos;
    this.tokens = Arrays.copyOf(request.prompt(), request.prompt().length + 16);
    this.length = request.prompt().length;
  }

  /** Positions that it can come to need: the last token's keys and values are never needed. */
  int positions() {
    return request.prompt().length + request.maxTokens() - 1;
  }

  /** Tokens that the ranks do not have yet, at least 1. */
  int pending() {
    return length - computed;
  }

  /** Whether only the latest token is pending, so that a step of one token gives the next. */
  boolean decoding() {
    return generated() > 0 && pending() == 1;
  }

  int computed() {
    return computed;
  }

  int token(int position) {
    return tokens[position];
  }

  int generated() {
    return length - request.prompt().length;
  }

  void begin(long nowNanos) {
    firstStepNanos = nowNanos;
  }

  /** The ranks have run some more tokens. */
  void advance(int count, long stepComputeNanos, long stepExchangeNanos) {
    computed += count;
    computeNanos += stepComputeNanos;
    exchangeNanos += stepExchangeNanos;
  }

  /**
   * Drafts what may follow.
   *
   * @param most tokens that are of use
   * @return how probable it is that a drafted token is right if those before it are; 0 if there is
   *     no draft
   */
  double draft(int most) {
    if (lookup == null) {
      lookup = new PromptLookup(expected());
    }
    while (lookup.length() < length) {
      lookup.add(tokens[lookup.length()]);
    }
    // The last token is sampled, never computed.
    draft = lookup.draft(Math.min(most, request.maxTokens() - generated() - 1));
    return draft.length == 0 ? 0 : acceptance.rate(lookup.matched());
  }

  /** The client's prediction behind the end of the prompt; nothing if there is none. */
  private int[] expected() {
    int[] prediction = request.prediction();
    if (prediction.length == 0) {
      return prediction;
    }
    int before = Math.min(request.prompt().length, PromptLookup.SHORTEST_MATCH);
    int[] expected = new int[before + prediction.length];
    System.arraycopy(request.prompt(), request.prompt().length - before, expected, 0, before);
    System.arraycopy(prediction, 0, expected, before, prediction.length);
    return expected;
  }

  /** What was drafted last, to be tested as far as it is worth while. */
  int[] draft() {
    return draft;
  }

  /** So many tokens of the draft are about to be tested. */
  void testing(int count) {
    drafted += count;
    testsPrediction = lookup != null && lookup.foretold();
    predicted += testsPrediction ? count : 0;
  }

  /** A sampled token was drafted, so the ranks have its keys and values. */
  void confirm() {
    computed++;
    draftedRight++;
    predictedRight += testsPrediction ? 1 : 0;
  }

  /** A part of the draft was tested: so many of its tokens were right. */
  void tested(int count, int right) {
    if (lookup != null && count > 0) {
      acceptance.tested(lookup.matched(), count, right);
    }
  }

  /** A token has been sampled. */
  void append(int token, long nowNanos) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, length + length / 2 + 16);
    }
    tokens[length++] = token;
    if (generated() == 1) {
      firstTokenNanos = nowNanos;
    }
    lastTokenNanos = nowNanos;
    acceptance.age();
  }

  Duration timeToFirstToken() {
    return generated() == 0 ? Duration.ZERO : Duration.ofNanos(firstTokenNanos - acceptedNanos);
  }

  Usage usage() {
    boolean any = generated() > 0;
    return new Usage(
        request.prompt().length,
        generated(),
        timeToFirstToken(),
        any ? Duration.ofNanos(firstTokenNanos - firstStepNanos) : Duration.ZERO,
        any ? Duration.ofNanos(lastTokenNanos - firstTokenNanos) : Duration.ZERO,
        computeNanos == 0 ? 0 : (double) exchangeNanos / computeNanos,
        drafted,
        draftedRight,
        predictedRight,
        predicted - predictedRight);
  }
}
