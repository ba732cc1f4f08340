package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.api.http.HttpCall;
import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.api.http.Router;
import io.ladon.coordinator.generate.GenerationService;
import io.ladon.coordinator.tokenizer.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Text to token ids and back, with the fields that llama.cpp's server has for it. */
public final class TokenizerEndpoints {
  private final GenerationService service;
  private final Tokenizer tokenizer;

  public TokenizerEndpoints(GenerationService service, Tokenizer tokenizer) {
    this.service = service;
    this.tokenizer = tokenizer;
  }

  /** Adds the routes. */
  public void addTo(Router router) {
    router.add("POST", "/tokenize", this::tokenize).add("POST", "/detokenize", this::detokenize);
  }

  private void tokenize(HttpCall call) throws ApiException {
    JsonFields fields = RequestBody.fields(call);
    ServedModel.check(fields, service);
    String content = fields.string("content");
    String prompt = fields.string("prompt");
    boolean addSpecial = fields.bool("add_special", false);
    boolean parseSpecial = fields.bool("parse_special", true);
    boolean withPieces = fields.bool("with_pieces", false);
    fields.refuseOthers();
    if (content != null && prompt != null) {
      throw ApiException.invalid(
          "prompt", "invalid_value", "'prompt' and 'content' mean the same: give one");
    }
    String text = content == null ? prompt : content;
    if (text == null) {
      throw fields.missing("content");
    }
    int[] ids = tokenizer.encode(text, addSpecial, parseSpecial);
    ObjectNode answer = Json.object();
    ArrayNode tokens = answer.putArray("tokens");
    for (int id : ids) {
      if (withPieces) {
        addPiece(tokens.addObject(), id);
      } else {
        tokens.add(id);
      }
    }
    call.respond(200, answer.put("count", ids.length));
  }

  /** The piece as text, or as a list of bytes where they are no whole characters. */
  private void addPiece(ObjectNode entry, int id) {
    entry.put("id", id);
    byte[] bytes = tokenizer.tokenBytes(id);
    String text = LogprobJson.strictUtf8(bytes);
    if (text != null) {
      entry.put("piece", text);
      return;
    }
    ArrayNode list = entry.putArray("piece");
    for (byte b : bytes) {
      list.add(b & 0xff);
    }
  }

  private void detokenize(HttpCall call) throws ApiException {
    JsonFields fields = RequestBody.fields(call);
    ServedModel.check(fields, service);
    JsonNode tokens = fields.array("tokens");
    fields.refuseOthers();
    if (tokens == null) {
      throw fields.missing("tokens");
    }
    int[] ids = TokenIds.read("tokens", tokens, tokenizer);
    call.respond(200, Json.object().put("content", tokenizer.decode(ids, true)));
  }
}
