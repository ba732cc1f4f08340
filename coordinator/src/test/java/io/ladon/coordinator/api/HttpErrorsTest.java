package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.api.http.HttpLimits;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.ServiceException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpErrorsTest {
  private static final String CHAT = "/v1/chat/completions";
  private static ApiFixture api;

  @BeforeAll
  static void start() throws Exception {
    HttpLimits d = HttpLimits.DEFAULT;
    HttpLimits small =
        new HttpLimits(
            20_000,
            d.maxConnections(),
            d.streamBufferBytes(),
            d.handlerThreads(),
            d.receiveTimeout(),
            d.idleTimeout(),
            d.writeTimeout());
    api = ApiFixture.with(o -> o.withHttp(small).withStallTimeout(Duration.ofMillis(300)));
  }

  @AfterAll
  static void stop() {
    api.close();
  }

  @Test
  void badJsonIsNamedByLineAndColumn() throws Exception {
    ApiFixture.Reply reply = api.post(CHAT, "{\"messages\": [],\n  \"n\": oops}");
    assertThat(reply.errorParam(400)).isNull();
    assertThat(reply.errorCode()).isEqualTo("invalid_json");
    assertThat(reply.errorMessage()).contains("line 2, column ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{} {}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{'a':1}",
        "\u0000",
        "{\"a\":01}"
      })
  void whatIsNotJson(String body) throws Exception {
    ApiFixture.Reply reply = api.post(CHAT, body);
    reply.errorParam(400);
    assertThat(reply.errorCode()).isEqualTo("invalid_json");
  }

  @Test
  void duplicateKeysAreRefused() throws Exception {
    ApiFixture.Reply reply = api.post(CHAT, "{\"n\":1,\n\"n\":2}");
    assertThat(reply.errorParam(400)).isNull();
    assertThat(reply.errorMessage()).contains("line 2").contains("\"n\"");
  }

  @Test
  void veryDeepJsonIsRefused() throws Exception {
    api.post(CHAT, "[".repeat(10_000)).errorParam(400);
  }

  @Test
  void theBodyMustBeAnObject() throws Exception {
    ApiFixture.Reply reply = api.post(CHAT, "[]");
    assertThat(reply.errorParam(400)).isNull();
    assertThat(reply.errorMessage()).contains("an array");
  }

  @Test
  void theBodyMustSayThatItIsJson() throws Exception {
    HttpRequest.Builder post =
        api.request(CHAT).POST(BodyPublishers.ofString(ApiFixture.chatBody("")));
    ApiFixture.Reply reply = api.send(post.copy().build());
    assertThat(reply.errorParam(415)).isNull();
    assertThat(reply.errorMessage()).contains("application/json");
    String[] wrong = {
      "text/plain", "application/x-www-form-urlencoded", "application/json; charset=iso-8859-1"
    };
    for (String type : wrong) {
      assertThat(api.send(post.copy().header("Content-Type", type).build()).status())
          .isEqualTo(415);
    }
    for (String type : new String[] {"application/json; charset=\"UTF-8\"", "APPLICATION/JSON"}) {
      assertThat(api.send(post.copy().header("Content-Type", type).build()).status())
          .isEqualTo(200);
    }
    assertThat(
            api.send(
                    post.copy()
                        .header("Content-Type", "application/json")
                        .header("Content-Encoding", "gzip")
                        .build())
                .errorParam(415))
        .isNull();
  }

  @Test
  void unknownUrls() throws Exception {
    ApiFixture.Reply reply = api.get("/v1/chat");
    assertThat(reply.errorParam(404)).isNull();
    assertThat(reply.errorCode()).isEqualTo("not_found");
    assertThat(reply.errorMessage()).contains("GET /v1/chat");
    assertThat(api.get("/v1/models/").status()).isEqualTo(404);
    assertThat(api.get("/v1/models/*").status()).isEqualTo(404);
  }

  @Test
  void otherMethods() throws Exception {
    ApiFixture.Reply reply = api.get(CHAT);
    assertThat(reply.errorParam(405)).isNull();
    assertThat(reply.response().headers().firstValue("allow")).contains("POST");
    reply = api.post("/metrics", "{}");
    assertThat(reply.errorParam(405)).isNull();
    assertThat(reply.response().headers().firstValue("allow")).contains("GET");
  }

  @Test
  void parametersInTheUrlAreRefused() throws Exception {
    ApiFixture.Reply reply = api.post(CHAT + "?stream=true", ApiFixture.chatBody(""));
    assertThat(reply.errorParam(400)).isEqualTo("stream");
  }

  @Test
  void aBodyTooLargeIsRefusedAndTheConnectionStaysOfUse() throws Exception {
    String large = ApiFixture.chatBody("\"user\":\"" + "a".repeat(1_000_000) + "\"");
    ApiFixture.Reply reply = api.post(CHAT, large);
    assertThat(reply.errorParam(413)).isNull();
    assertThat(reply.errorMessage()).contains("20000");
    assertThat(api.chat("").status()).isEqualTo(200);
    // Without a length known beforehand.
    reply =
        api.send(
            api.request(CHAT)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(new byte[100_000])))
                .build());
    assertThat(reply.errorParam(413)).isNull();
    assertThat(api.chat("").status()).isEqualTo(200);
  }

  @Test
  void expectContinue() throws Exception {
    for (int length : new int[] {10, 100_000}) {
      ApiFixture.Reply reply =
          api.send(
              api.request(CHAT)
                  .expectContinue(true)
                  .header("Content-Type", "application/json")
                  .POST(
                      BodyPublishers.ofString(
                          ApiFixture.chatBody("\"user\":\"" + "a".repeat(length) + "\"")))
                  .build());
      assertThat(reply.status()).isEqualTo(length == 10 ? 200 : 413);
    }
    assertThat(api.chat("").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @EnumSource(ErrorCode.class)
  void everyErrorOfTheServiceHasItsStatus(ErrorCode code) throws Exception {
    api.service.refuse(new ServiceException(code, "no", "prompt"));
    try {
      for (String stream : new String[] {"true", "false"}) {
        ApiFixture.Reply reply = api.chat("\"stream\":" + stream);
        assertThat(reply.errorParam(code.httpStatus())).isEqualTo("prompt");
        assertThat(reply.errorCode()).isEqualTo(code.openAiCode());
        assertThat(reply.json().get("error").get("type").stringValue())
            .isEqualTo(code.openAiType());
        boolean later = code.httpStatus() == 429 || code.httpStatus() >= 503;
        assertThat(reply.response().headers().firstValue("retry-after").isPresent())
            .isEqualTo(later);
      }
    } finally {
      api.service.refuse(null);
    }
  }

  @Test
  void aServiceThatSaysNothingMoreIsGivenUp() throws Exception {
    api.service.script(play -> play.say("a"));
    try {
      ApiFixture.Reply reply = api.chat("");
      assertThat(reply.errorParam(504)).isNull();
      assertThat(reply.errorCode()).isEqualTo("timeout");
      assertThat(api.service.plays().getLast().isCancelled()).isTrue();
      assertThat(ApiFixture.data(api.chat("\"stream\":true")).getLast()).contains("timeout");
    } finally {
      api.service.script(play -> play.say("ok").end());
    }
  }

  @Test
  void aBugIsAnInternalErrorWithoutDetails() throws Exception {
    api.service.breakStatus(new IllegalStateException("secret"));
    try {
      ApiFixture.Reply reply = api.get("/health/ready");
      assertThat(reply.errorParam(500)).isNull();
      assertThat(reply.errorMessage()).doesNotContain("secret");
    } finally {
      api.service.breakStatus(null);
    }
  }
}
