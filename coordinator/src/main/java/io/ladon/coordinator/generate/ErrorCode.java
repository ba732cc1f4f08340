package io.ladon.coordinator.generate;

import io.grpc.Status;
import java.util.Locale;

/** Everything that can go wrong for a client, with what each protocol says of it. */
public enum ErrorCode {
  /** The request does not mean anything: bad JSON, a wrong type, a value out of range. */
  INVALID_REQUEST(Category.CLIENT, 400, Status.Code.INVALID_ARGUMENT, "invalid_request_error"),
  /** The request has a parameter, or a value of one, that this server does not offer. */
  UNSUPPORTED_PARAMETER(
      Category.CLIENT, 400, Status.Code.INVALID_ARGUMENT, "invalid_request_error"),
  /** Prompt and tokens to generate need more positions than there are. */
  CONTEXT_TOO_LONG(Category.CLIENT, 400, Status.Code.INVALID_ARGUMENT, "invalid_request_error"),
  /** The model is not the one that is served. */
  MODEL_NOT_FOUND(Category.CLIENT, 404, Status.Code.NOT_FOUND, "invalid_request_error"),
  /** No such path. */
  NOT_FOUND(Category.CLIENT, 404, Status.Code.UNIMPLEMENTED, "invalid_request_error"),
  /** The path knows other methods. */
  METHOD_NOT_ALLOWED(Category.CLIENT, 405, Status.Code.UNIMPLEMENTED, "invalid_request_error"),
  /** The request's body is larger than allowed. */
  PAYLOAD_TOO_LARGE(Category.CLIENT, 413, Status.Code.INVALID_ARGUMENT, "invalid_request_error"),
  /** The request's body is not JSON by its content type. */
  UNSUPPORTED_MEDIA_TYPE(
      Category.CLIENT, 415, Status.Code.INVALID_ARGUMENT, "invalid_request_error"),
  /** Too many requests wait already. */
  QUEUE_FULL(Category.OVERLOAD, 429, Status.Code.RESOURCE_EXHAUSTED, "rate_limit_error"),
  /** The client went away or cancelled. */
  CANCELLED(Category.CLIENT, 499, Status.Code.CANCELLED, "invalid_request_error"),
  /** Something is broken in this program. */
  INTERNAL(Category.INTERNAL, 500, Status.Code.INTERNAL, "server_error"),
  /** Workers are missing, loading or connecting; or the coordinator is shutting down. */
  NOT_READY(Category.CLUSTER, 503, Status.Code.UNAVAILABLE, "server_error"),
  /** A worker that the request needed is gone, silent or failing. */
  WORKER_LOST(Category.CLUSTER, 503, Status.Code.UNAVAILABLE, "server_error"),
  /** The request waited in the queue for longer than allowed. */
  TIMEOUT(Category.OVERLOAD, 504, Status.Code.DEADLINE_EXCEEDED, "server_error");

  /** Whose fault it is, and so what helps. */
  public enum Category {
    /** The client has to change its request. */
    CLIENT,
    /** The client may try again later. */
    OVERLOAD,
    /** The client may try again later; the operator should look at the workers. */
    CLUSTER,
    /** Somebody should file a bug. */
    INTERNAL
  }

  private final Category category;
  private final int httpStatus;
  private final Status.Code grpcCode;
  private final String openAiType;

  ErrorCode(Category category, int httpStatus, Status.Code grpcCode, String openAiType) {
    this.category = category;
    this.httpStatus = httpStatus;
    this.grpcCode = grpcCode;
    this.openAiType = openAiType;
  }

  public Category category() {
    return category;
  }

  public int httpStatus() {
    return httpStatus;
  }

  public Status.Code grpcCode() {
    return grpcCode;
  }

  /** The {@code type} of OpenAI's error body. */
  public String openAiType() {
    return openAiType;
  }

  /** The {@code code} of OpenAI's error body. */
  public String openAiCode() {
    return this == CONTEXT_TOO_LONG ? "context_length_exceeded" : name().toLowerCase(Locale.ROOT);
  }
}
