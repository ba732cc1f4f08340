package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The fields of a JSON object, read strictly: each is taken by name and type, and what nobody took
 * is refused at the end. A null counts as absent, as OpenAI's own clients send it for "not set".
 * Every error names the field by its path, such as {@code messages[1].content}.
 */
final class JsonFields {
  private final JsonNode object;
  private final String prefix;
  private final Set<String> taken = new HashSet<>();

  private JsonFields(JsonNode object, String prefix) {
    this.object = object;
    this.prefix = prefix;
  }

  /** The request itself. */
  static JsonFields root(JsonNode node) throws ApiException {
    if (!node.isObject()) {
      throw ApiException.invalid(
          null, "invalid_type", "the body must be a JSON object, not " + kind(node));
    }
    return new JsonFields(node, "");
  }

  /** An object at a path. */
  static JsonFields at(String path, JsonNode node) throws ApiException {
    if (!node.isObject()) {
      throw wrongType(path, "an object", node);
    }
    return new JsonFields(node, path + ".");
  }

  /** Path of a field. */
  String path(String name) {
    return prefix + name;
  }

  /** A field of any type; null where absent. */
  @Nullable JsonNode any(String name) {
    taken.add(name);
    JsonNode node = object.get(name);
    return node == null || node.isNull() ? null : node;
  }

  @Nullable String string(String name) throws ApiException {
    JsonNode node = any(name);
    return node == null ? null : text(path(name), node);
  }

  String requiredString(String name) throws ApiException {
    String value = string(name);
    if (value == null) {
      throw missing(name);
    }
    return value;
  }

  boolean bool(String name, boolean absent) throws ApiException {
    JsonNode node = any(name);
    if (node == null) {
      return absent;
    }
    if (!node.isBoolean()) {
      throw wrongType(path(name), "a boolean", node);
    }
    return node.booleanValue();
  }

  @Nullable Long integer(String name, long min, long max) throws ApiException {
    JsonNode node = any(name);
    return node == null ? null : (Long) integer(path(name), node, min, max);
  }

  @Nullable Double number(String name, double min, double max) throws ApiException {
    JsonNode node = any(name);
    if (node == null) {
      return null;
    }
    if (!node.isNumber()) {
      throw wrongType(path(name), "a number", node);
    }
    double value = node.doubleValue();
    if (!(value >= min && value <= max)) {
      throw outOfRange(path(name), number(min), number(max), node);
    }
    return value;
  }

  @Nullable JsonNode array(String name) throws ApiException {
    JsonNode node = any(name);
    if (node != null && !node.isArray()) {
      throw wrongType(path(name), "an array", node);
    }
    return node;
  }

  @Nullable JsonFields object(String name) throws ApiException {
    JsonNode node = any(name);
    return node == null ? null : at(path(name), node);
  }

  /** Refuses the first field that was not taken. */
  void refuseOthers() throws ApiException {
    for (String name : object.propertyNames()) {
      if (!taken.contains(name)) {
        throw ApiException.invalid(
            path(name), "unknown_parameter", "unknown parameter '" + path(name) + "'");
      }
    }
  }

  ApiException missing(String name) {
    return ApiException.invalid(
        path(name), "missing_required_parameter", "'" + path(name) + "' is required");
  }

  static String text(String path, JsonNode node) throws ApiException {
    if (!node.isString()) {
      throw wrongType(path, "a string", node);
    }
    String text = node.stringValue();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isSurrogate(c)) {
        if (i + 1 == text.length() || !Character.isSurrogatePair(c, text.charAt(i + 1))) {
          throw ApiException.invalid(
              path,
              "invalid_value",
              "'" + path + "' has half a surrogate pair at index " + i + ": not valid Unicode");
        }
        i++;
      }
    }
    return text;
  }

  static long integer(String path, JsonNode node, long min, long max) throws ApiException {
    if (!node.isIntegralNumber()) {
      throw wrongType(path, "an integer", node);
    }
    if (!node.canConvertToLong() || node.longValue() < min || node.longValue() > max) {
      throw outOfRange(path, Long.toString(min), Long.toString(max), node);
    }
    return node.longValue();
  }

  static ApiException wrongType(String path, String expected, JsonNode node) {
    return ApiException.invalid(
        path, "invalid_type", "'" + path + "' must be " + expected + ", not " + kind(node));
  }

  private static ApiException outOfRange(String path, String min, String max, JsonNode node) {
    return ApiException.invalid(
        path,
        "invalid_value",
        "'" + path + "' must be between " + min + " and " + max + ", not " + node);
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%s", value);
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case ARRAY -> "an array";
      case OBJECT -> "an object";
      case BOOLEAN -> "a boolean";
      case STRING -> "a string";
      case NULL -> "null";
      case NUMBER -> node.isIntegralNumber() ? "an integer" : "a number with a fraction";
      default -> "something else";
    };
  }
}
