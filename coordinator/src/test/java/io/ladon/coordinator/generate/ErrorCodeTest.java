package io.ladon.coordinator.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The one table of what each protocol says of each error. */
final class ErrorCodeTest {

  @Test
  void everyCodeIsMapped() {
    String table =
        Arrays.stream(ErrorCode.values())
            .map(
                c ->
                    "%s %s %d %s %s %s"
                        .formatted(
                            c,
                            c.category(),
                            c.httpStatus(),
                            c.grpcCode(),
                            c.openAiType(),
                            c.openAiCode()))
            .collect(Collectors.joining("\n"));
    assertThat(table)
        .isEqualTo(
            """
            INVALID_REQUEST CLIENT 400 INVALID_ARGUMENT invalid_request_error invalid_request
            UNSUPPORTED_PARAMETER CLIENT 400 INVALID_ARGUMENT invalid_request_error unsupported_parameter
            CONTEXT_TOO_LONG CLIENT 400 INVALID_ARGUMENT invalid_request_error context_length_exceeded
            MODEL_NOT_FOUND CLIENT 404 NOT_FOUND invalid_request_error model_not_found
            NOT_FOUND CLIENT 404 UNIMPLEMENTED invalid_request_error not_found
            METHOD_NOT_ALLOWED CLIENT 405 UNIMPLEMENTED invalid_request_error method_not_allowed
            PAYLOAD_TOO_LARGE CLIENT 413 INVALID_ARGUMENT invalid_request_error payload_too_large
            UNSUPPORTED_MEDIA_TYPE CLIENT 415 INVALID_ARGUMENT invalid_request_error unsupported_media_type
            QUEUE_FULL OVERLOAD 429 RESOURCE_EXHAUSTED rate_limit_error queue_full
            CANCELLED CLIENT 499 CANCELLED invalid_request_error cancelled
            INTERNAL INTERNAL 500 INTERNAL server_error internal
            NOT_READY CLUSTER 503 UNAVAILABLE server_error not_ready
            WORKER_LOST CLUSTER 503 UNAVAILABLE server_error worker_lost
            TIMEOUT OVERLOAD 504 DEADLINE_EXCEEDED server_error timeout""");
  }
}
