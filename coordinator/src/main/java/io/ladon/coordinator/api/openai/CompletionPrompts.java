package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** The {@code prompt} of a completion request: a text, texts, token ids, or arrays of token ids. */
final class CompletionPrompts {
  private static final String PROMPT = "prompt";

  private final Tokenizer tokenizer;
  private final int maxPrompts;

  CompletionPrompts(Tokenizer tokenizer, int maxPrompts) {
    this.tokenizer = tokenizer;
    this.maxPrompts = maxPrompts;
  }

  List<int[]> read(JsonFields request) throws ApiException {
    JsonNode prompt = request.any(PROMPT);
    if (prompt == null) {
      throw request.missing(PROMPT);
    }
    if (prompt.isString()) {
      return List.of(encode(PROMPT, prompt));
    }
    if (!prompt.isArray()) {
      throw wrongType(PROMPT, prompt);
    }
    if (prompt.isEmpty()) {
      throw empty(PROMPT);
    }
    JsonNode first = prompt.get(0);
    if (first.isNumber()) {
      return List.of(TokenIds.read(PROMPT, prompt, tokenizer));
    }
    if (prompt.size() > maxPrompts) {
      throw ApiException.invalid(
          PROMPT,
          "invalid_value",
          "'prompt' holds %d prompts; at most %d are allowed".formatted(prompt.size(), maxPrompts));
    }
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < prompt.size(); i++) {
      prompts.add(one(PROMPT + "[" + i + "]", prompt.get(i), first.isString()));
    }
    return prompts;
  }

  private int[] one(String path, JsonNode node, boolean texts) throws ApiException {
    if (texts) {
      return encode(path, node);
    }
    if (!node.isArray()) {
      throw wrongType(path, node);
    }
    if (node.isEmpty()) {
      throw empty(path);
    }
    return TokenIds.read(path, node, tokenizer);
  }

  private int[] encode(String path, JsonNode node) throws ApiException {
    int[] ids = tokenizer.encode(JsonFields.text(path, node), true, true);
    if (ids.length == 0) {
      throw empty(path);
    }
    return ids;
  }

  private static ApiException wrongType(String path, JsonNode node) {
    return JsonFields.wrongType(
        path, "a string, an array of strings, of token ids, or of arrays of token ids", node);
  }

  private static ApiException empty(String path) {
    return ApiException.invalid(path, "invalid_value", "'" + path + "' is empty");
  }
}
