package io.ladon.coordinator.api.http;

import io.ladon.coordinator.generate.ErrorCode;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A request without its body.
 *
 * @param refusal why the request is refused whatever its path is
 * @param mustClose whether nothing on the connection can be understood after this request
 * @param chunked whether the client understands an answer in chunks
 */
record RequestHead(
    String method,
    String path,
    Map<String, List<String>> query,
    HttpHeaders headers,
    @Nullable ApiException refusal,
    boolean mustClose,
    boolean chunked) {

  static RequestHead of(HttpRequest request, @Nullable ApiException refusal) {
    ApiException problem = refusal;
    // A client that was refused before it sent its body may send it or not: nobody can tell.
    boolean mustClose = request.headers().contains(HttpHeaderNames.EXPECT);
    DecoderResult decoded = request.decoderResult();
    if (decoded.isFailure()) {
      problem = undecodable(decoded.cause());
      mustClose = true;
    }
    String path = "/";
    Map<String, List<String>> query = Map.of();
    try {
      QueryStringDecoder uri = new QueryStringDecoder(request.uri());
      path = uri.path();
      query = uri.parameters();
    } catch (IllegalArgumentException e) {
      if (problem == null) {
        problem = ApiException.invalid(null, "invalid_url", "malformed URL: " + e.getMessage());
      }
    }
    String encoding = request.headers().get(HttpHeaderNames.CONTENT_ENCODING);
    if (problem == null && encoding != null && !encoding.equalsIgnoreCase("identity")) {
      problem =
          ApiException.of(
              ErrorCode.UNSUPPORTED_MEDIA_TYPE,
              "the body's Content-Encoding '" + encoding + "' is not supported; send it plain");
    }
    return new RequestHead(
        request.method().name(),
        path,
        query,
        request.headers(),
        problem,
        mustClose,
        request.protocolVersion().equals(HttpVersion.HTTP_1_1));
  }

  private static ApiException undecodable(Throwable cause) {
    if (cause instanceof TooLongHttpLineException) {
      return ApiException.invalid(null, "url_too_long", "the URL is too long");
    }
    if (cause instanceof TooLongHttpHeaderException) {
      return ApiException.invalid(null, "headers_too_large", "the request's headers are too large");
    }
    return ApiException.invalid(null, "invalid_http", "this is not a valid HTTP request");
  }
}
