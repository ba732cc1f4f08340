package io.ladon.coordinator.api.http;

import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.ServiceException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request's failure as the client is told of it: an HTTP status and OpenAI's error body, {@code
 * {"error": {"message", "type", "param", "code"}}}.
 */
public final class ApiException extends Exception {
  /** Seconds after which a full queue has probably moved. */
  private static final String RETRY_OVERLOAD = "1";

  /** Seconds after which a cluster that lacks workers is worth another look. */
  private static final String RETRY_CLUSTER = "5";

  private final ErrorCode error;
  private final String code;
  private final @Nullable String param;
  private final Map<String, String> headers;

  private ApiException(
      ErrorCode error,
      String code,
      String message,
      @Nullable String param,
      Map<String, String> headers) {
    super(message);
    this.error = error;
    this.code = code;
    this.param = param;
    this.headers = Map.copyOf(headers);
  }

  /** A failure that names no field. */
  public static ApiException of(ErrorCode error, String message) {
    return new ApiException(error, error.openAiCode(), message, null, retry(error));
  }

  /**
   * A 400 for a field of the request.
   *
   * @param param the field, as a path such as {@code messages[1].role}
   * @param code OpenAI's error code, finer than {@link ErrorCode}'s
   */
  public static ApiException invalid(@Nullable String param, String code, String message) {
    return new ApiException(ErrorCode.INVALID_REQUEST, code, message, param, Map.of());
  }

  /** What the service says. */
  public static ApiException of(ServiceException e) {
    return new ApiException(e.code(), e.code().openAiCode(), e.text(), e.param(), retry(e.code()));
  }

  private static Map<String, String> retry(ErrorCode error) {
    return switch (error.category()) {
      case OVERLOAD -> Map.of("Retry-After", RETRY_OVERLOAD);
      case CLUSTER -> Map.of("Retry-After", RETRY_CLUSTER);
      case CLIENT, INTERNAL -> Map.of();
    };
  }

  /** The same error with one more response header. */
  public ApiException withHeader(String name, String value) {
    Map<String, String> all = new HashMap<>(headers);
    all.put(name, value);
    return new ApiException(error, code, text(), param, all);
  }

  /** HTTP status. */
  public int status() {
    return error.httpStatus();
  }

  /** Response headers that belong to the error. */
  public Map<String, String> headers() {
    return headers;
  }

  /** The message, never null. */
  public String text() {
    String message = getMessage();
    return message == null ? code : message;
  }

  /** The body. */
  public ObjectNode body() {
    ObjectNode body = Json.object();
    body.putObject("error")
        .put("message", text())
        .put("type", error.openAiType())
        .put("param", param)
        .put("code", code);
    return body;
  }

  /** Thrown in the course of things: the stack says nothing. */
  @Override
  public synchronized Throwable fillInStackTrace() {
    return this;
  }
}
