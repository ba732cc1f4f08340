package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.generate.FinishReason;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.template.ChatTemplate;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ChatCompletionsTest {
  private ApiFixture api;

  @BeforeEach
  void start() throws Exception {
    api = new ApiFixture();
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private static String text(int[] prompt) {
    return new ByteTokenizer(true).decode(prompt, true);
  }

  @Test
  void answersWithTheWholeMessage() throws Exception {
    JsonNode answer = api.chat("\"model\":\"test-model\"").json();
    assertThat(answer.get("id").stringValue()).matches("chatcmpl-[0-9a-f]{24}");
    assertThat(answer.get("object").stringValue()).isEqualTo("chat.completion");
    assertThat(answer.get("model").stringValue()).isEqualTo("test-model");
    assertThat(answer.get("created").longValue()).isPositive();
    JsonNode choice = answer.get("choices").get(0);
    assertThat(choice.toString())
        .isEqualTo(
            """
            {"index":0,"message":{"role":"assistant","content":"Hello world","refusal":null},\
            "logprobs":null,"finish_reason":"stop"}""");
    int prompt = api.service.request().prompt().length;
    assertThat(answer.get("usage").toString())
        .isEqualTo(
            "{\"prompt_tokens\":%d,\"completion_tokens\":12,\"total_tokens\":%d}"
                .formatted(prompt, prompt + 12));
    JsonNode timings = answer.get("timings");
    assertThat(timings.get("time_to_first_token_ms").doubleValue()).isEqualTo(40);
    assertThat(timings.get("prompt_ms").doubleValue()).isEqualTo(20);
    assertThat(timings.get("prompt_tokens_per_second").doubleValue()).isEqualTo(prompt * 50.0);
    assertThat(timings.get("generation_ms").doubleValue()).isEqualTo(100);
    assertThat(timings.get("generated_tokens_per_second").doubleValue()).isEqualTo(110);
    assertThat(timings.get("exchange_share").doubleValue()).isEqualTo(0.25);
    assertThat(timings.get("draft_n").intValue()).isEqualTo(8);
    assertThat(timings.get("draft_n_accepted").intValue()).isEqualTo(6);
  }

  @Test
  void aPredictionIsPassedOnAndCounted() throws Exception {
    JsonNode answer =
        api.chat(
                "\"prediction\":{\"type\":\"content\",\"content\":[{\"type\":\"text\",\"text\":\"Hello\"},"
                    + "{\"type\":\"text\",\"text\":\"<s>\"}]}")
            .json();
    // Plain text: no token stands for a control token's name in it.
    assertThat(text(api.service.request().prediction())).isEqualTo("Hello\n<s>");
    assertThat(api.service.request().prediction()).hasSize(9);
    assertThat(answer.get("usage").get("completion_tokens_details").toString())
        .isEqualTo("{\"accepted_prediction_tokens\":5,\"rejected_prediction_tokens\":1}");
    assertThat(api.chat("\"prediction\":null").json().get("usage").has("completion_tokens_details"))
        .isFalse();
  }

  @Test
  void rendersMessagesWithTheTemplate() throws Exception {
    api.post(
        "/v1/chat/completions",
        """
        {"messages":[
          {"role":"developer","content":"Be brief."},
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"é"}]},
          {"role":"assistant","content":"b","refusal":null,"tool_calls":[],"name":null},
          {"role":"tool","content":"c"}]}""");
    assertThat(text(api.service.request().prompt()))
        .isEqualTo(
            """
            <s><|im_start|>system
            Be brief.<|im_end|>
            <|im_start|>user
            a
            é<|im_end|>
            <|im_start|>assistant
            b<|im_end|>
            <|im_start|>tool
            c<|im_end|>
            <|im_start|>assistant
            """);
    assertThat(api.service.request().prompt()).contains(ByteTokenizer.IM_START);
  }

  @Test
  void aTemplateThatWritesTheBeginOfTextItselfGetsNoSecondOne() throws Exception {
    ChatTemplate template = ChatTemplate.compile("{{ bos_token }}" + ApiFixture.CHATML);
    try (ApiFixture other = new ApiFixture(template, true, o -> o)) {
      other.chat("");
      int[] prompt = other.service.request().prompt();
      assertThat(prompt[0]).isEqualTo(ByteTokenizer.BEGIN);
      assertThat(prompt[1]).isEqualTo(ByteTokenizer.IM_START);
    }
  }

  @Test
  void whatTheTemplateRefusesIsTheClientsFault() throws Exception {
    ChatTemplate template = ChatTemplate.compile("{{ raise_exception('Roles must alternate') }}");
    try (ApiFixture other = new ApiFixture(template, true, o -> o)) {
      ApiFixture.Reply reply = other.chat("");
      assertThat(reply.errorParam(400)).isEqualTo("messages");
      assertThat(reply.errorMessage()).contains("Roles must alternate");
    }
  }

  @Test
  void aTemplateThatFailsItselfIsTheServersFault() throws Exception {
    ChatTemplate template = ChatTemplate.compile("{{ messages[0] | tojson(indent='broken') + 1 }}");
    try (ApiFixture other = new ApiFixture(template, true, o -> o)) {
      ApiFixture.Reply reply = other.chat("");
      assertThat(reply.errorParam(500)).isNull();
      assertThat(reply.errorMessage()).contains("line 1");
    }
  }

  @Test
  void appliesEverySamplingParameter() throws Exception {
    api.chat(
        """
        "max_tokens":7,"max_completion_tokens":7,"temperature":0.5,"top_p":0.9,"top_k":40,
        "min_p":0.05,"seed":-5,"logprobs":true,"top_logprobs":3,"ignore_eos":true""");
    GenerationRequest request = api.service.request();
    assertThat(request.maxTokens()).isEqualTo(7);
    assertThat(request.sampling()).isEqualTo(new SamplingOptions(0.5f, 0.9f, 40, 0.05f, -5));
    assertThat(request.topLogprobs()).isEqualTo(3);
    assertThat(request.ignoreEndOfGeneration()).isTrue();
  }

  @Test
  void defaultsAreOpenAis() throws Exception {
    api.chat("");
    api.chat("\"temperature\":null,\"top_p\":null,\"n\":null,\"stop\":null,\"seed\":null");
    for (GenerationRequest request : api.service.requests()) {
      SamplingOptions sampling = request.sampling();
      assertThat(sampling).isEqualTo(new SamplingOptions(1, 1, 0, 0, sampling.seed()));
      assertThat(request.maxTokens()).isEqualTo(ScriptedService.CONTEXT - request.prompt().length);
      assertThat(request.topLogprobs()).isEqualTo(-1);
      assertThat(request.ignoreEndOfGeneration()).isFalse();
    }
    assertThat(api.service.requests().get(0).sampling().seed())
        .isNotEqualTo(api.service.requests().get(1).sampling().seed());
  }

  @Test
  void topPOfZeroKeepsTheBestOnly() throws Exception {
    api.chat("\"top_p\":0");
    assertThat(api.service.request().sampling().topP()).isPositive().isLessThan(1e-30f);
  }

  @Test
  void theServersOwnLimitOfAnAnswerHoldsWhereTheClientSetsNone() throws Exception {
    try (ApiFixture other = ApiFixture.with(o -> o.withDefaultMaxTokens(9))) {
      other.chat("");
      assertThat(other.service.request().maxTokens()).isEqualTo(9);
    }
  }

  @Test
  void finishReasonLength() throws Exception {
    api.service.script(play -> play.say("abc").end(FinishReason.LENGTH));
    JsonNode answer = api.chat("\"max_tokens\":3").json();
    assertThat(answer.get("choices").get(0).get("finish_reason").stringValue()).isEqualTo("length");
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(3);
  }

  @Test
  void logprobsHaveTheBytesOfTokensThatAreNoWholeCharacters() throws Exception {
    api.service.script(play -> play.token(ByteTokenizer.HELLO).say("é").end());
    JsonNode content =
        api.chat("\"logprobs\":true,\"top_logprobs\":2")
            .json()
            .get("choices")
            .get(0)
            .get("logprobs")
            .get("content");
    assertThat(content.size()).isEqualTo(3);
    assertThat(content.get(0).toString())
        .startsWith(
            "{\"token\":\"Hello\",\"logprob\":-0.5,\"bytes\":[72,101,108,108,111],"
                + "\"top_logprobs\":[{\"token\":");
    assertThat(content.get(1).get("bytes").toString()).isEqualTo("[195]");
    assertThat(content.get(2).get("bytes").toString()).isEqualTo("[169]");
    assertThat(content.get(2).get("top_logprobs").size()).isEqualTo(2);
    assertThat(content.get(2).get("top_logprobs").get(1).get("logprob").doubleValue())
        .isEqualTo(-1.5);
  }

  @Test
  void logprobsWithoutAlternatives() throws Exception {
    JsonNode choice = api.chat("\"logprobs\":true").json().get("choices").get(0);
    assertThat(api.service.request().topLogprobs()).isZero();
    assertThat(choice.get("logprobs").get("content").size()).isEqualTo(11);
    assertThat(choice.get("logprobs").get("content").get(0).get("top_logprobs").size()).isZero();
  }

  @Test
  void severalChoicesHaveSeedsOneAfterTheOther() throws Exception {
    api.service.script(play -> play.say("s" + play.request().sampling().seed()).end());
    JsonNode answer = api.chat("\"n\":3,\"seed\":10").json();
    assertThat(
            List.of(0, 1, 2).stream()
                .map(i -> answer.get("choices").get(i).get("message").get("content").stringValue()))
        .containsExactly("s10", "s11", "s12");
    int prompt = api.service.request().prompt().length;
    assertThat(answer.get("usage").get("prompt_tokens").intValue()).isEqualTo(prompt);
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(12);
  }

  @Test
  void controlTokensAreNotPartOfTheText() throws Exception {
    api.service.script(
        play -> play.say("a").tokens(ByteTokenizer.IM_START, ByteTokenizer.END).say("b").end());
    JsonNode answer = api.chat("\"ignore_eos\":true,\"logprobs\":true").json();
    JsonNode choice = answer.get("choices").get(0);
    assertThat(choice.get("message").get("content").stringValue()).isEqualTo("ab");
    assertThat(choice.get("logprobs").get("content").get(1).get("token").stringValue())
        .isEqualTo("<|im_start|>");
  }

  @Test
  void aModelWithoutATemplateHasNoChat() throws Exception {
    try (ApiFixture other = new ApiFixture(null, true, o -> o)) {
      ApiFixture.Reply reply = other.chat("");
      assertThat(reply.errorParam(400)).isNull();
      assertThat(reply.errorMessage()).contains("no chat template");
      assertThat(other.complete("").status()).isEqualTo(200);
    }
  }

  @Test
  void bodiesAreUtf8() throws Exception {
    api.service.script(play -> play.say("Füße 🦊").end());
    ApiFixture.Reply reply = api.chat("");
    assertThat(reply.response().body().getBytes(StandardCharsets.UTF_8))
        .containsSequence("Füße 🦊".getBytes(StandardCharsets.UTF_8));
  }
}
