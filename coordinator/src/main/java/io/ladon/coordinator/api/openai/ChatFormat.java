package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** The choices of {@code /v1/chat/completions}. */
final class ChatFormat implements ChoiceFormat {
  private final LogprobJson logprobs;
  private final boolean withLogprobs;

  ChatFormat(Tokenizer tokenizer, Parameters parameters) {
    this.logprobs = new LogprobJson(tokenizer);
    this.withLogprobs = parameters.logprobs();
  }

  @Override
  public String idPrefix() {
    return "chatcmpl-";
  }

  @Override
  public String wholeObject() {
    return "chat.completion";
  }

  @Override
  public String chunkObject() {
    return "chat.completion.chunk";
  }

  @Override
  public @Nullable ObjectNode opening(int index) {
    ObjectNode choice = Json.object().put("index", index);
    choice.putObject("delta").put("role", "assistant").put("content", "").putNull("refusal");
    choice.putNull("logprobs");
    return choice.putNull("finish_reason");
  }

  @Override
  public ObjectNode piece(int index, ChoiceText.Piece piece) {
    ObjectNode choice = Json.object().put("index", index);
    choice.putObject("delta").put("content", piece.text());
    putLogprobs(choice, piece.tokens());
    return choice.putNull("finish_reason");
  }

  @Override
  public ObjectNode closing(int index, String finishReason) {
    ObjectNode choice = Json.object().put("index", index);
    choice.putObject("delta");
    choice.putNull("logprobs");
    return choice.put("finish_reason", finishReason);
  }

  @Override
  public ObjectNode whole(
      int index, String text, List<ChoiceText.Placed> tokens, String finishReason) {
    ObjectNode choice = Json.object().put("index", index);
    choice.putObject("message").put("role", "assistant").put("content", text).putNull("refusal");
    putLogprobs(choice, tokens);
    return choice.put("finish_reason", finishReason);
  }

  private void putLogprobs(ObjectNode choice, List<ChoiceText.Placed> tokens) {
    if (withLogprobs) {
      choice.set("logprobs", logprobs.chat(tokens));
    } else {
      choice.putNull("logprobs");
    }
  }
}
