package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.api.http.HttpCall;
import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.generate.ErrorCode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The JSON object in a POST's body. */
final class RequestBody {
  private RequestBody() {}

  /**
   * Its fields.
   *
   * @throws ApiException 415 if the content type is not JSON, 400 if the content is not, or if the
   *     URL has parameters, which no POST of ours has
   */
  static JsonFields fields(HttpCall call) throws ApiException {
    refuseQuery(call);
    if (!isJson(call.header("Content-Type"))) {
      throw ApiException.of(
          ErrorCode.UNSUPPORTED_MEDIA_TYPE,
          "the body must be JSON in UTF-8, with the header 'Content-Type: application/json'");
    }
    return JsonFields.root(Json.parse(call.body()));
  }

  /** Refuses parameters in the URL. */
  static void refuseQuery(HttpCall call) throws ApiException {
    for (String name : call.query().keySet()) {
      throw ApiException.invalid(
          name, "unknown_parameter", "unknown parameter '" + name + "' in the URL");
    }
  }

  /** That a page in a browser cannot send this type unasked is part of the point. */
  private static boolean isJson(@Nullable String contentType) {
    if (contentType == null) {
      return false;
    }
    String[] parts = contentType.toLowerCase(Locale.ROOT).split(";", -1);
    if (!parts[0].strip().equals("application/json")) {
      return false;
    }
    for (int i = 1; i < parts.length; i++) {
      String part = parts[i].strip().replace("\"", "");
      if (part.startsWith("charset=") && !part.equals("charset=utf-8")) {
        return false;
      }
    }
    return true;
  }
}
