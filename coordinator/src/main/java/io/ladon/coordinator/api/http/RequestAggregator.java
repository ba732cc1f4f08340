package io.ladon.coordinator.api.http;

import io.ladon.coordinator.generate.ErrorCode;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/**
 * Collects a request's body, up to the limit. A body over it is thrown away as it comes in, and the
 * request goes on as a {@link Refused}, so that it is answered in its turn and with a body.
 */
final class RequestAggregator extends HttpObjectAggregator {

  /** A request that is answered with an error, without its body. */
  record Refused(HttpRequest request, ApiException error) {}

  private final int maxBodyBytes;

  RequestAggregator(int maxBodyBytes) {
    super(maxBodyBytes);
    this.maxBodyBytes = maxBodyBytes;
  }

  /**
   * Netty would answer an Expect header itself, without a body, where the length is over the limit.
   * Here such a request goes the way of any other that is too long.
   */
  @Override
  protected @Nullable Object newContinueResponse(
      HttpMessage start, int maxContentLength, ChannelPipeline pipeline) {
    String expectation = start.headers().get(HttpHeaderNames.EXPECT);
    if (expectation == null
        || !HttpUtil.is100ContinueExpected(start)
        || HttpUtil.getContentLength(start, -1L) > maxContentLength) {
      return null;
    }
    // The aggregator looks no further at an expectation that is met.
    start.headers().remove(HttpHeaderNames.EXPECT);
    return new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE);
  }

  @Override
  protected void handleOversizedMessage(ChannelHandlerContext ctx, HttpMessage oversized) {
    if (oversized instanceof HttpRequest request) {
      ctx.fireChannelRead(
          new Refused(
              request,
              ApiException.of(
                  ErrorCode.PAYLOAD_TOO_LARGE,
                  "the request's body is larger than " + maxBodyBytes + " bytes")));
    } else {
      var _ = ctx.close();
    }
  }
}
