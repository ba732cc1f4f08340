package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.template.ChatTemplate;
import io.ladon.coordinator.template.TemplateException;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** From messages through the model's chat template to prompt tokens. */
final class ChatPrompt {
  private static final Logger log = LoggerFactory.getLogger(ChatPrompt.class);

  private final ChatTemplate template;
  private final Tokenizer tokenizer;
  private final String beginOfText;
  private final String endOfText;

  ChatPrompt(ChatTemplate template, Tokenizer tokenizer) {
    this.template = template;
    this.tokenizer = tokenizer;
    this.beginOfText = name(tokenizer.beginOfText());
    this.endOfText = name(tokenizer.endOfText());
  }

  private String name(@Nullable Integer id) {
    return id == null ? "" : new String(tokenizer.tokenBytes(id), StandardCharsets.UTF_8);
  }

  /**
   * The prompt that asks for the assistant's next message.
   *
   * @throws ApiException 400 where the template refuses the messages, 500 where it is itself at
   *     fault
   */
  int[] tokens(List<Object> messages) throws ApiException {
    Map<String, Object> variables = new HashMap<>();
    variables.put("messages", messages);
    variables.put("add_generation_prompt", true);
    variables.put("bos_token", beginOfText);
    variables.put("eos_token", endOfText);
    int[] ids = tokenizer.encode(render(variables), true, true);
    // A template may write the begin-of-text token that the tokenizer adds; one is enough.
    Integer begin = tokenizer.beginOfText();
    boolean twice =
        begin != null
            && tokenizer.addsBeginOfText()
            && ids.length > 1
            && ids[0] == begin
            && ids[1] == begin;
    int[] prompt = twice ? Arrays.copyOfRange(ids, 1, ids.length) : ids;
    if (prompt.length == 0) {
      throw ApiException.invalid(
          "messages",
          "invalid_value",
          "'messages' make an empty prompt with this model's template");
    }
    return prompt;
  }

  private String render(Map<String, Object> variables) throws ApiException {
    try {
      return template.render(variables);
    } catch (TemplateException e) {
      String message = String.valueOf(e.getMessage());
      if (e.isRefusal()) {
        throw ApiException.invalid("messages", "invalid_value", message);
      }
      log.error("the model's chat template failed", e);
      throw ApiException.of(ErrorCode.INTERNAL, message);
    }
  }
}
