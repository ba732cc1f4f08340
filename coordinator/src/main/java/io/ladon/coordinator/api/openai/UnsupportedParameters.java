package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * Parameters that OpenAI knows and this server does not apply. Each has the values under which
 * applying it would change nothing; those are accepted, every other is refused by name. (Null is
 * accepted for all: it means "not set".)
 */
final class UnsupportedParameters {
  private static final Map<String, Predicate<JsonNode>> SHARED = shared();
  private static final Map<String, Predicate<JsonNode>> CHAT = chat();
  private static final Map<String, Predicate<JsonNode>> COMPLETION = completion();

  private UnsupportedParameters() {}

  private static Map<String, Predicate<JsonNode>> shared() {
    Map<String, Predicate<JsonNode>> map = new LinkedHashMap<>();
    map.put("frequency_penalty", UnsupportedParameters::isZero);
    map.put("presence_penalty", UnsupportedParameters::isZero);
    map.put("logit_bias", UnsupportedParameters::isEmpty);
    return map;
  }

  private static Map<String, Predicate<JsonNode>> chat() {
    Map<String, Predicate<JsonNode>> map = new LinkedHashMap<>(SHARED);
    map.put("tools", UnsupportedParameters::isEmpty);
    map.put("functions", UnsupportedParameters::isEmpty);
    // Without tools there is nothing to choose and nothing to call in parallel.
    map.put("tool_choice", oneOf("none", "auto"));
    map.put("function_call", oneOf("none", "auto"));
    map.put("parallel_tool_calls", JsonNode::isBoolean);
    map.put("response_format", UnsupportedParameters::isTextFormat);
    map.put("modalities", value -> value.isArray() && value.size() == 1 && isText(value.get(0)));
    map.put("audio", UnsupportedParameters::never);
    map.put("reasoning_effort", UnsupportedParameters::never);
    map.put("verbosity", UnsupportedParameters::never);
    map.put("web_search_options", UnsupportedParameters::never);
    map.put("service_tier", oneOf("auto", "default"));
    map.put("store", UnsupportedParameters::isFalse);
    map.put("metadata", UnsupportedParameters::isEmpty);
    map.put("prompt_cache_retention", UnsupportedParameters::never);
    return map;
  }

  private static Map<String, Predicate<JsonNode>> completion() {
    Map<String, Predicate<JsonNode>> map = new LinkedHashMap<>(SHARED);
    map.put("echo", UnsupportedParameters::isFalse);
    map.put("suffix", value -> value.isString() && value.stringValue().isEmpty());
    map.put("best_of", value -> value.isInt() && value.intValue() == 1);
    return map;
  }

  private static Predicate<JsonNode> oneOf(String... names) {
    return value -> value.isString() && Set.of(names).contains(value.stringValue());
  }

  private static boolean never(JsonNode value) {
    return false;
  }

  private static boolean isZero(JsonNode value) {
    return value.isNumber() && value.doubleValue() == 0;
  }

  private static boolean isFalse(JsonNode value) {
    return value.isBoolean() && !value.booleanValue();
  }

  private static boolean isEmpty(JsonNode value) {
    return value.isContainer() && value.isEmpty();
  }

  private static boolean isText(JsonNode value) {
    return value.isString() && value.stringValue().equals("text");
  }

  private static boolean isTextFormat(JsonNode value) {
    return value.isObject() && value.size() == 1 && value.has("type") && isText(value.get("type"));
  }

  /** Takes and checks those of a chat request. */
  static void refuseInChat(JsonFields fields) throws ApiException {
    refuse(fields, CHAT);
  }

  /** Takes and checks those of a completion request. */
  static void refuseInCompletion(JsonFields fields) throws ApiException {
    refuse(fields, COMPLETION);
  }

  private static void refuse(JsonFields fields, Map<String, Predicate<JsonNode>> parameters)
      throws ApiException {
    for (var parameter : parameters.entrySet()) {
      JsonNode value = fields.any(parameter.getKey());
      if (value != null && !parameter.getValue().test(value)) {
        String path = fields.path(parameter.getKey());
        throw ApiException.invalid(
            path,
            "unsupported_parameter",
            "'" + path + "' is not supported by this server with this value; leave it out");
      }
    }
  }
}
