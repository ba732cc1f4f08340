package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import tools.jackson.databind.JsonNode;

/**
 * The messages of a chat request as a chat template takes them: {@code role} and {@code content}.
 */
final class ChatMessages {
  /** Fields of a message that no template is given: refused unless they say nothing. */
  private static final List<String> UNSUPPORTED =
      List.of("name", "tool_calls", "tool_call_id", "function_call", "audio", "annotations");

  private ChatMessages() {}

  static List<Object> read(JsonFields request) throws ApiException {
    JsonNode messages = request.array("messages");
    if (messages == null) {
      throw request.missing("messages");
    }
    if (messages.isEmpty()) {
      throw ApiException.invalid(
          "messages", "invalid_value", "'messages' must hold at least one message");
    }
    List<Object> out = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      out.add(message(JsonFields.at("messages[" + i + "]", messages.get(i))));
    }
    return out;
  }

  private static Map<String, Object> message(JsonFields fields) throws ApiException {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", role(fields));
    message.put("content", content(fields));
    for (String name : UNSUPPORTED) {
      JsonNode value = fields.any(name);
      if (value != null && !(value.isArray() && value.isEmpty())) {
        throw unsupported(fields.path(name));
      }
    }
    // Clients send back what they got: our answers say that nothing was refused.
    if (fields.any("refusal") != null) {
      throw unsupported(fields.path("refusal"));
    }
    fields.refuseOthers();
    return message;
  }

  private static ApiException unsupported(String path) {
    return ApiException.invalid(
        path, "unsupported_parameter", "'" + path + "' is not supported by this server");
  }

  private static String role(JsonFields fields) throws ApiException {
    String role = fields.requiredString("role");
    return switch (role) {
      case "system", "user", "assistant", "tool" -> role;
      // OpenAI's later word for the same place; templates know the earlier one.
      case "developer" -> "system";
      default ->
          throw ApiException.invalid(
              fields.path("role"),
              "invalid_value",
              "'%s' must be system, developer, user, assistant or tool, not '%s'"
                  .formatted(fields.path("role"), role));
    };
  }

  /** A text, or several joined by line breaks. */
  static String content(JsonFields fields) throws ApiException {
    JsonNode content = fields.any("content");
    String path = fields.path("content");
    if (content == null) {
      throw fields.missing("content");
    }
    if (content.isString()) {
      return JsonFields.text(path, content);
    }
    if (!content.isArray()) {
      throw JsonFields.wrongType(path, "a string or an array of parts", content);
    }
    StringJoiner text = new StringJoiner("\n");
    for (int i = 0; i < content.size(); i++) {
      JsonFields part = JsonFields.at(path + "[" + i + "]", content.get(i));
      String type = part.requiredString("type");
      if (!type.equals("text")) {
        throw ApiException.invalid(
            part.path("type"),
            "unsupported_parameter",
            "'%s' is '%s'; only text is supported".formatted(part.path("type"), type));
      }
      text.add(part.requiredString("text"));
      part.refuseOthers();
    }
    return text.toString();
  }
}
