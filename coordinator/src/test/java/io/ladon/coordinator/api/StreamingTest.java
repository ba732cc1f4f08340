package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.ServiceException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class StreamingTest {
  private ApiFixture api;

  @BeforeEach
  void start() throws Exception {
    api = new ApiFixture();
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private List<JsonNode> chat(String fields) throws Exception {
    return api.events(api.chat("\"stream\":true" + (fields.isEmpty() ? "" : "," + fields)));
  }

  private static String content(List<JsonNode> events, int index) {
    StringBuilder text = new StringBuilder();
    for (JsonNode event : events) {
      for (JsonNode choice : event.get("choices")) {
        if (choice.get("index").intValue() == index) {
          JsonNode part =
              choice.has("delta") ? choice.get("delta").get("content") : choice.get("text");
          text.append(part == null ? "" : part.stringValue());
        }
      }
    }
    return text.toString();
  }

  @Test
  void aChatStreamOpensWithTheRoleAndClosesWithTheReason() throws Exception {
    List<JsonNode> events = chat("");
    assertThat(events.getFirst().get("choices").toString())
        .isEqualTo(
            "[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
                + "\"logprobs\":null,\"finish_reason\":null}]");
    assertThat(events.get(1).get("choices").toString())
        .isEqualTo(
            "[{\"index\":0,\"delta\":{\"content\":\"H\"},\"logprobs\":null,"
                + "\"finish_reason\":null}]");
    assertThat(events.getLast().get("choices").toString())
        .isEqualTo("[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}]");
    assertThat(content(events, 0)).isEqualTo("Hello world");
    for (JsonNode event : events) {
      assertThat(event.get("object").stringValue()).isEqualTo("chat.completion.chunk");
      assertThat(event.get("id")).isEqualTo(events.getFirst().get("id"));
      assertThat(event.get("model").stringValue()).isEqualTo("test-model");
      assertThat(event.has("usage")).isFalse();
    }
  }

  @Test
  void aCompletionStream() throws Exception {
    List<JsonNode> events = api.events(api.complete("\"stream\":true"));
    assertThat(content(events, 0)).isEqualTo("Hello world");
    assertThat(events.getFirst().get("object").stringValue()).isEqualTo("text_completion");
    assertThat(events.getFirst().get("choices").get(0).get("text").stringValue()).isEqualTo("H");
    assertThat(events.getLast().get("choices").get(0).get("finish_reason").stringValue())
        .isEqualTo("stop");
  }

  @Test
  void includeUsageAddsALastChunk() throws Exception {
    List<JsonNode> events = chat("\"stream_options\":{\"include_usage\":true}");
    for (JsonNode event : events.subList(0, events.size() - 1)) {
      assertThat(event.get("usage").isNull()).isTrue();
    }
    JsonNode last = events.getLast();
    assertThat(last.get("choices").size()).isZero();
    assertThat(last.get("usage").get("completion_tokens").intValue()).isEqualTo(12);
    assertThat(last.get("timings").get("exchange_share").doubleValue()).isEqualTo(0.25);
  }

  @Test
  void aCharacterIsNeverSplit() throws Exception {
    api.service.script(play -> play.say("aé🦊\u0000ß").end());
    List<JsonNode> events = chat("");
    assertThat(
            events.stream()
                .map(e -> e.get("choices").get(0).get("delta").get("content"))
                .filter(c -> c != null && !c.stringValue().isEmpty())
                .map(JsonNode::stringValue))
        .containsExactly("a", "é", "🦊", "\u0000", "ß");
  }

  @Test
  void halfACharacterAtTheEndBecomesTheReplacementCharacter() throws Exception {
    api.service.script(play -> play.tokens('a', 0xf0, 0x9f).end(FinishReason.LENGTH));
    assertThat(content(chat(""), 0)).isEqualTo("a\ufffd");
  }

  @Test
  void aStopTextIsNeverSentAndEndsTheGeneration() throws Exception {
    api.service.script(play -> play.say("one two three").endWhenCancelled());
    List<JsonNode> events = chat("\"stop\":[\"xyz\",\" two t\"]");
    assertThat(content(events, 0)).isEqualTo("one");
    assertThat(events.getLast().get("choices").get(0).get("finish_reason").stringValue())
        .isEqualTo("stop");
    assertThat(api.service.plays().getLast().isCancelled()).isTrue();
  }

  @Test
  void tokensUpToTheStopTextsLastCount() throws Exception {
    api.service.script(play -> play.say("one two three").endWhenCancelled());
    List<JsonNode> events = chat("\"stop\":\"two\",\"stream_options\":{\"include_usage\":true}");
    assertThat(content(events, 0)).isEqualTo("one ");
    assertThat(events.getLast().get("usage").get("completion_tokens").intValue()).isEqualTo(7);
  }

  @Test
  void aStopTextMayEndWithTheLastToken() throws Exception {
    api.service.script(play -> play.say("abc").end(FinishReason.LENGTH));
    JsonNode choice = api.chat("\"stop\":\"c\"").json().get("choices").get(0);
    assertThat(choice.get("message").get("content").stringValue()).isEqualTo("ab");
    assertThat(choice.get("finish_reason").stringValue()).isEqualTo("stop");
  }

  @Test
  void theBeginningOfAStopTextIsHeldBackUntilItIsKnown() throws Exception {
    api.service.script(play -> play.say("ab").say("abX").end());
    List<JsonNode> events = chat("\"stop\":\"abY\"");
    assertThat(content(events, 0)).isEqualTo("ababX");
    // "a" and "ab" may begin the stop text each time; only what rules it out sets them free.
    assertThat(events.get(1).get("choices").get(0).get("delta").get("content").stringValue())
        .isEqualTo("ab");
    api.service.script(play -> play.say("xab").end());
    assertThat(content(chat("\"stop\":\"abY\""), 0)).isEqualTo("xab");
  }

  @Test
  void aStopTextOfSeveralBytesACharacter() throws Exception {
    api.service.script(play -> play.say("a🦊b🦝c").endWhenCancelled());
    assertThat(content(chat("\"stop\":\"🦝\""), 0)).isEqualTo("a🦊b");
  }

  @Test
  void streamedAndWholeAnswersAreEqual() throws Exception {
    String text = "Fünf 🦊 jagen\n<stop>zwei";
    for (String fields :
        List.of(
            "\"stop\":\"<stop>\",\"logprobs\":true,\"top_logprobs\":2",
            "\"stop\":[\"g\",\"zz\"],\"logprobs\":true",
            "\"logprobs\":true,\"stop\":\"no\"",
            "\"n\":2,\"stop\":\"<s\"")) {
      boolean stops = fields.contains("<s") || fields.contains("\"g\"");
      api.service.script(
          play -> {
            play.say(text);
            if (stops) {
              play.endWhenCancelled();
            } else {
              play.end();
            }
          });
      JsonNode whole = api.chat(fields).json();
      List<JsonNode> events = chat(fields + ",\"stream_options\":{\"include_usage\":true}");
      for (JsonNode choice : whole.get("choices")) {
        int index = choice.get("index").intValue();
        assertThat(content(events, index))
            .isEqualTo(choice.get("message").get("content").stringValue());
      }
      assertThat(events.getLast().get("usage")).isEqualTo(whole.get("usage"));
      JsonNode logprobs = whole.get("choices").get(0).get("logprobs");
      if (!logprobs.isNull()) {
        assertThat(logprobContent(events)).isEqualTo(logprobs.get("content").toString());
      }
    }
  }

  private static String logprobContent(List<JsonNode> events) {
    StringBuilder all = new StringBuilder();
    for (JsonNode event : events) {
      for (JsonNode choice : event.get("choices")) {
        if (!choice.get("logprobs").isNull()) {
          for (JsonNode token : choice.get("logprobs").get("content")) {
            all.append(all.isEmpty() ? "" : ",").append(token);
          }
        }
      }
    }
    return "[" + all + "]";
  }

  @Test
  void logprobsEndWhereTheTextDoes() throws Exception {
    api.service.script(play -> play.say("ab<stop>c").endWhenCancelled());
    JsonNode choice =
        api.chat("\"stop\":\"<stop>\",\"logprobs\":true").json().get("choices").get(0);
    assertThat(choice.get("message").get("content").stringValue()).isEqualTo("ab");
    assertThat(choice.get("logprobs").get("content").size()).isEqualTo(2);
    // A token that the stop text cuts is part of the answer.
    api.service.script(
        play -> play.tokens(ByteTokenizer.HELLO, ByteTokenizer.WORLD).endWhenCancelled());
    choice = api.chat("\"stop\":\"orl\",\"logprobs\":true").json().get("choices").get(0);
    assertThat(choice.get("message").get("content").stringValue()).isEqualTo("Hello w");
    assertThat(choice.get("logprobs").get("content").size()).isEqualTo(2);
  }

  @Test
  void severalChoicesShareAStream() throws Exception {
    api.service.script(play -> play.say("s" + play.request().sampling().seed()).end());
    List<JsonNode> events = chat("\"n\":2,\"seed\":1");
    assertThat(content(events, 0)).isEqualTo("s1");
    assertThat(content(events, 1)).isEqualTo("s2");
    assertThat(
            events.stream()
                .filter(e -> !e.get("choices").get(0).get("finish_reason").isNull())
                .map(e -> e.get("choices").get(0).get("index").intValue()))
        .containsExactlyInAnyOrder(0, 1);
  }

  @Test
  void anErrorBeforeTheFirstTokenHasItsStatus() throws Exception {
    api.service.script(
        play -> play.error(new ServiceException(ErrorCode.WORKER_LOST, "rank 1 is gone")));
    for (String stream : List.of("true", "false")) {
      ApiFixture.Reply reply = api.chat("\"stream\":" + stream);
      assertThat(reply.errorParam(503)).isNull();
      assertThat(reply.errorMessage()).isEqualTo("rank 1 is gone");
      assertThat(reply.errorCode()).isEqualTo("worker_lost");
      assertThat(reply.response().headers().firstValue("retry-after")).isPresent();
    }
  }

  @Test
  void anErrorInTheMiddleIsTheLastEvent() throws Exception {
    api.service.script(
        play -> {
          play.say("ab");
          play.error(new ServiceException(ErrorCode.WORKER_LOST, "rank 1 is gone"));
        });
    List<String> data = ApiFixture.data(api.chat("\"stream\":true"));
    JsonNode last = ApiFixture.parse(data.getLast());
    assertThat(last.get("error").get("message").stringValue()).isEqualTo("rank 1 is gone");
    assertThat(last.get("error").get("type").stringValue()).isEqualTo("server_error");
    assertThat(last.get("error").get("code").stringValue()).isEqualTo("worker_lost");
    assertThat(data).hasSize(4).doesNotContain("[DONE]");
    // Whole answers know no middle.
    assertThat(api.chat("").status()).isEqualTo(503);
  }

  @Test
  void oneChoicesErrorCancelsTheOthers() throws Exception {
    api.service.script(
        play -> {
          if (play.request().sampling().seed() == 1) {
            play.error(new ServiceException(ErrorCode.INTERNAL, "broken"));
          } else {
            play.endWhenCancelled();
          }
        });
    assertThat(api.chat("\"n\":2,\"seed\":1").status()).isEqualTo(500);
    assertThat(api.service.plays().get(1).awaitCancel()).isTrue();
  }
}
