package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.api.http.EventStream;
import io.ladon.coordinator.api.http.HttpCall;
import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GeneratedToken;
import io.ladon.coordinator.generate.Generation;
import io.ladon.coordinator.generate.GenerationListener;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.generate.ServiceException;
import io.ladon.coordinator.generate.Usage;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One answer in the making: its generations run side by side, one a choice. All state belongs to
 * the call's owner thread; the cluster's thread only hands its tokens over. A streamed answer's
 * first bytes leave with its first token, so that a request that fails before has an HTTP status
 * that says so.
 */
final class Answer {
  private final HttpCall call;
  private final GenerationService service;
  private final ChoiceFormat format;
  private final Parameters parameters;
  private final Envelope envelope;
  private final Duration stallTimeout;
  private final List<Choice> choices = new ArrayList<>();
  private int running;
  private boolean over;
  private @Nullable EventStream stream;
  private @Nullable Future<?> watchdog;
  private long lastProgressNanos = System.nanoTime();

  /** What all messages of an answer say. */
  record Envelope(String id, long created, String model) {}

  Answer(
      HttpCall call,
      GenerationService service,
      Tokenizer tokenizer,
      ChoiceFormat format,
      Parameters parameters,
      List<GenerationRequest> generations,
      Envelope envelope,
      Duration stallTimeout) {
    this.call = call;
    this.service = service;
    this.format = format;
    this.parameters = parameters;
    this.envelope = envelope;
    this.stallTimeout = stallTimeout;
    for (int i = 0; i < generations.size(); i++) {
      ChoiceText text = new ChoiceText(tokenizer, parameters.stops(), parameters.logprobs());
      choices.add(new Choice(i, generations.get(i), text));
    }
  }

  /** Begins; from any thread. */
  void begin() {
    call.owner().execute(this::submit);
  }

  private void submit() {
    if (call.isGone()) {
      return;
    }
    call.whenGone(this::cancel);
    running = choices.size();
    try {
      for (Choice choice : choices) {
        choice.generation = service.submit(choice.request, choice);
      }
    } catch (ServiceException e) {
      fail(ApiException.of(e));
      return;
    }
    watch();
  }

  /** The service has deadlines of its own; this one is for the case that they fail. */
  private void watch() {
    watchdog = call.schedule(this::checkProgress, stallTimeout);
  }

  private void checkProgress() {
    if (over) {
      return;
    }
    Duration quiet = Duration.ofNanos(System.nanoTime() - lastProgressNanos);
    if (quiet.compareTo(stallTimeout) >= 0) {
      fail(
          ApiException.of(
              ErrorCode.TIMEOUT,
              "nothing was generated for " + stallTimeout.toSeconds() + " seconds"));
    } else {
      watchdog = call.schedule(this::checkProgress, stallTimeout.minus(quiet));
    }
  }

  private void token(Choice choice, GeneratedToken token) {
    lastProgressNanos = System.nanoTime();
    if (over || choice.finished() || choice.text.stopped()) {
      return;
    }
    ChoiceText.Piece piece = choice.text.push(token);
    if (choice.text.stopped()) {
      choice.cancel(); // its end brings the usage
    }
    add(choice, piece);
  }

  private void add(Choice choice, ChoiceText.Piece piece) {
    if (!parameters.stream()) {
      choice.add(piece);
      return;
    }
    EventStream out = open(choice);
    if (out != null && !piece.isEmpty()) {
      out.send(chunk(format.piece(choice.index, piece)));
    }
  }

  /** The stream, with the choice opened in it; null if the client reads too slowly to go on. */
  private @Nullable EventStream open(Choice choice) {
    EventStream out = stream;
    if (out == null) {
      out = call.openStream();
      stream = out;
    }
    if (out.isFull()) {
      cancel();
      out.abandon();
      return null;
    }
    if (!choice.opened) {
      choice.opened = true;
      ObjectNode opening = format.opening(choice.index);
      if (opening != null) {
        out.send(chunk(opening));
      }
    }
    return out;
  }

  private void end(Choice choice, FinishReason reason, Usage usage) {
    lastProgressNanos = System.nanoTime();
    if (over || choice.finished()) {
      return;
    }
    if (reason == FinishReason.CANCELLED && !choice.text.stopped()) {
      fail(ApiException.of(ErrorCode.CANCELLED, "the generation was cancelled"));
      return;
    }
    ChoiceText.Piece last = choice.text.finish();
    choice.finishReason =
        reason == FinishReason.LENGTH && !choice.text.stopped() ? "length" : "stop";
    choice.usage = usage;
    running--;
    add(choice, last);
    if (over) {
      return;
    }
    EventStream out = stream;
    if (out != null) {
      out.send(chunk(format.closing(choice.index, choice.finishReason)));
    }
    if (running == 0) {
      complete();
    }
  }

  private void complete() {
    finish();
    EventStream out = stream;
    if (out == null) {
      ObjectNode whole = message(format.wholeObject());
      ArrayNode list = whole.putArray("choices");
      choices.forEach(c -> list.add(c.whole(format)));
      addFigures(whole);
      call.respond(200, whole);
      return;
    }
    if (parameters.includeUsage()) {
      ObjectNode last = message(format.chunkObject());
      last.putArray("choices");
      addFigures(last);
      out.send(last);
    }
    out.sendDone();
    out.end();
  }

  private void addFigures(ObjectNode message) {
    List<UsageJson.Part> parts = parts();
    message.set("usage", UsageJson.usage(parts, parameters.prediction() != null));
    message.set("timings", UsageJson.timings(parts));
  }

  private List<UsageJson.Part> parts() {
    return choices.stream().map(c -> c.part(parameters.n())).toList();
  }

  private void fail(ApiException error) {
    if (over) {
      return;
    }
    cancel();
    EventStream out = stream;
    if (out == null) {
      call.fail(error);
    } else {
      out.send(error.body());
      out.end();
    }
  }

  private void cancel() {
    finish();
    choices.forEach(Choice::cancel);
  }

  private void finish() {
    over = true;
    Future<?> timer = watchdog;
    if (timer != null) {
      timer.cancel(false);
    }
  }

  private ObjectNode chunk(ObjectNode choice) {
    ObjectNode chunk = message(format.chunkObject());
    chunk.putArray("choices").add(choice);
    if (parameters.includeUsage()) {
      chunk.putNull("usage");
    }
    return chunk;
  }

  private ObjectNode message(String object) {
    return Json.object()
        .put("id", envelope.id())
        .put("object", object)
        .put("created", envelope.created())
        .put("model", envelope.model());
  }

  /** One generation. What the cluster's thread says is only handed over. */
  private final class Choice implements GenerationListener {
    final int index;
    final GenerationRequest request;
    final ChoiceText text;
    final StringBuilder whole = new StringBuilder();
    final List<ChoiceText.Placed> tokens = new ArrayList<>();
    boolean opened;
    String finishReason = "";
    @Nullable Generation generation;
    @Nullable Usage usage;

    Choice(int index, GenerationRequest request, ChoiceText text) {
      this.index = index;
      this.request = request;
      this.text = text;
    }

    @Override
    public void onToken(GeneratedToken token) {
      call.owner().execute(() -> token(this, token));
    }

    @Override
    public void onEnd(FinishReason reason, Usage usage) {
      call.owner().execute(() -> end(this, reason, usage));
    }

    @Override
    public void onError(ServiceException error) {
      call.owner().execute(() -> fail(ApiException.of(error)));
    }

    boolean finished() {
      return usage != null;
    }

    void add(ChoiceText.Piece piece) {
      whole.append(piece.text());
      tokens.addAll(piece.tokens());
    }

    void cancel() {
      Generation running = generation;
      if (running != null) {
        running.cancel();
      }
    }

    ObjectNode whole(ChoiceFormat format) {
      return format.whole(index, whole.toString(), tokens, finishReason);
    }

    UsageJson.Part part(int n) {
      Usage all = usage;
      if (all == null) {
        throw new IllegalStateException("choice " + index + " has not ended");
      }
      int counted = text.stopped() ? text.tokens() : all.generatedTokens();
      return new UsageJson.Part(all, counted, index % n == 0);
    }
  }
}
