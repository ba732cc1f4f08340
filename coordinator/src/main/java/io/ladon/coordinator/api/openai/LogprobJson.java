package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.generate.TokenLogprob;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Log-probabilities in the two forms that OpenAI gave them. */
final class LogprobJson {
  /** JSON has no infinity; OpenAI writes this for it. */
  private static final double LEAST = -9999.0;

  private final Tokenizer tokenizer;

  LogprobJson(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Chat: {@code {"content": [{token, logprob, bytes, top_logprobs}], "refusal": null}}. */
  ObjectNode chat(List<ChoiceText.Placed> tokens) {
    ObjectNode out = Json.object();
    ArrayNode content = out.putArray("content");
    for (ChoiceText.Placed placed : tokens) {
      ObjectNode entry = content.addObject();
      chatToken(entry, placed.token().id(), placed.token().logprob());
      ArrayNode top = entry.putArray("top_logprobs");
      for (TokenLogprob other : placed.token().top()) {
        chatToken(top.addObject(), other.id(), other.logprob());
      }
    }
    out.putNull("refusal");
    return out;
  }

  private void chatToken(ObjectNode entry, int id, double logprob) {
    byte[] bytes = tokenizer.tokenBytes(id);
    entry.put("token", new String(bytes, StandardCharsets.UTF_8));
    entry.put("logprob", Math.max(logprob, LEAST));
    ArrayNode list = entry.putArray("bytes");
    for (byte b : bytes) {
      list.add(b & 0xff);
    }
  }

  /**
   * Completions: four lists side by side. A token whose bytes are no whole characters is written as
   * {@code bytes:\xe2\x82}, since this form has no bytes of its own.
   *
   * @param topLogprobs alternatives a token; with 0 there is no {@code top_logprobs}
   */
  ObjectNode legacy(List<ChoiceText.Placed> tokens, int topLogprobs) {
    ObjectNode out = Json.object();
    ArrayNode names = out.putArray("tokens");
    ArrayNode logprobs = out.putArray("token_logprobs");
    ArrayNode tops = topLogprobs > 0 ? out.putArray("top_logprobs") : null;
    if (tops == null) {
      out.putNull("top_logprobs");
    }
    ArrayNode offsets = out.putArray("text_offset");
    for (ChoiceText.Placed placed : tokens) {
      names.add(name(placed.token().id()));
      logprobs.add(Math.max(placed.token().logprob(), LEAST));
      offsets.add(placed.offset());
      if (tops != null) {
        legacyTop(tops.addObject(), placed);
      }
    }
    return out;
  }

  /** The alternatives, and the chosen token if it is not among them: so OpenAI has it. */
  private void legacyTop(ObjectNode entry, ChoiceText.Placed placed) {
    for (TokenLogprob other : placed.token().top()) {
      putIfNew(entry, name(other.id()), other.logprob());
    }
    putIfNew(entry, name(placed.token().id()), placed.token().logprob());
  }

  private static void putIfNew(ObjectNode entry, String name, double logprob) {
    if (!entry.has(name)) {
      entry.put(name, Math.max(logprob, LEAST));
    }
  }

  private String name(int id) {
    byte[] bytes = tokenizer.tokenBytes(id);
    String text = strictUtf8(bytes);
    if (text != null) {
      return text;
    }
    StringBuilder out = new StringBuilder("bytes:");
    for (byte b : bytes) {
      out.append(String.format(Locale.ROOT, "\\x%02x", b & 0xff));
    }
    return out.toString();
  }

  /** The bytes as text; null if they are not valid UTF-8. */
  static @Nullable String strictUtf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }
}
