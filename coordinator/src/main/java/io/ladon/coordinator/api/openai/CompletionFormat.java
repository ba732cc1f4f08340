package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The choices of {@code /v1/completions}. */
final class CompletionFormat implements ChoiceFormat {
  private final LogprobJson logprobs;
  private final int topLogprobs;

  CompletionFormat(Tokenizer tokenizer, Parameters parameters) {
    this.logprobs = new LogprobJson(tokenizer);
    this.topLogprobs = parameters.topLogprobs();
  }

  @Override
  public String idPrefix() {
    return "cmpl-";
  }

  @Override
  public String wholeObject() {
    return "text_completion";
  }

  @Override
  public String chunkObject() {
    return "text_completion";
  }

  @Override
  public @Nullable ObjectNode opening(int index) {
    return null;
  }

  @Override
  public ObjectNode piece(int index, ChoiceText.Piece piece) {
    return choice(index, piece.text(), piece.tokens()).putNull("finish_reason");
  }

  @Override
  public ObjectNode closing(int index, String finishReason) {
    return Json.object()
        .put("index", index)
        .put("text", "")
        .putNull("logprobs")
        .put("finish_reason", finishReason);
  }

  @Override
  public ObjectNode whole(
      int index, String text, List<ChoiceText.Placed> tokens, String finishReason) {
    return choice(index, text, tokens).put("finish_reason", finishReason);
  }

  private ObjectNode choice(int index, String text, List<ChoiceText.Placed> tokens) {
    ObjectNode choice = Json.object().put("index", index).put("text", text);
    if (topLogprobs >= 0) {
      choice.set("logprobs", logprobs.legacy(tokens, topLogprobs));
    } else {
      choice.putNull("logprobs");
    }
    return choice;
  }
}
