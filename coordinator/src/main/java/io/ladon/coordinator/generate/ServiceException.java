package io.ladon.coordinator.generate;

import org.jspecify.annotations.Nullable;

/** A request that was refused or failed; the message is fit for the client. */
public final class ServiceException extends Exception {

  private final ErrorCode code;
  private final @Nullable String param;

  public ServiceException(ErrorCode code, String message) {
    this(code, message, null, null);
  }

  /**
   * @param param the request's field that is to blame, if any
   */
  public ServiceException(ErrorCode code, String message, @Nullable String param) {
    this(code, message, param, null);
  }

  public ServiceException(
      ErrorCode code, String message, @Nullable String param, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.param = param;
  }

  public ErrorCode code() {
    return code;
  }

  /** The request's field that is to blame; null if none is. */
  public @Nullable String param() {
    return param;
  }

  /** The message, which every service exception has. */
  public String text() {
    String message = getMessage();
    return message == null ? code.name() : message;
  }
}
