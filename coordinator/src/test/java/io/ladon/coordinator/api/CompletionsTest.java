package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.coordinator.generate.GenerationRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class CompletionsTest {
  private ApiFixture api;

  @BeforeEach
  void start() throws Exception {
    api = new ApiFixture();
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private ApiFixture.Reply prompt(String prompt) throws Exception {
    return api.post("/v1/completions", "{\"prompt\":" + prompt + "}");
  }

  @Test
  void answersWithText() throws Exception {
    JsonNode answer = api.complete("\"user\":\"u\"").json();
    assertThat(answer.get("id").stringValue()).startsWith("cmpl-");
    assertThat(answer.get("object").stringValue()).isEqualTo("text_completion");
    assertThat(answer.get("choices").toString())
        .isEqualTo(
            "[{\"index\":0,\"text\":\"Hello world\",\"logprobs\":null,\"finish_reason\":\"stop\"}]");
    assertThat(answer.get("usage").get("prompt_tokens").intValue()).isEqualTo(3);
    assertThat(api.service.request().maxTokens()).isEqualTo(16);
    assertThat(api.service.request().prompt()).containsExactly(ByteTokenizer.BEGIN, 'H', 'i');
  }

  @Test
  void aPromptMayBeTokenIds() throws Exception {
    assertThat(prompt("[1,2,261]").status()).isEqualTo(200);
    assertThat(api.service.request().prompt()).containsExactly(1, 2, 261);
  }

  @Test
  void severalPromptsGiveSeveralChoices() throws Exception {
    api.service.script(play -> play.token(play.request().prompt()[1]).end());
    JsonNode answer = prompt("[\"ab\",\"cd\"]").json();
    assertThat(answer.get("choices").get(0).get("text").stringValue()).isEqualTo("a");
    assertThat(answer.get("choices").get(1).get("text").stringValue()).isEqualTo("c");
    assertThat(answer.get("usage").get("prompt_tokens").intValue()).isEqualTo(6);
    assertThat(answer.get("usage").get("completion_tokens").intValue()).isEqualTo(4);

    JsonNode ids = api.post("/v1/completions", "{\"prompt\":[[1,65],[2,66]],\"n\":2}").json();
    assertThat(ids.get("choices").size()).isEqualTo(4);
    assertThat(ids.get("choices").get(1).get("text").stringValue()).isEqualTo("A");
    assertThat(ids.get("choices").get(2).get("text").stringValue()).isEqualTo("B");
    assertThat(ids.get("choices").get(3).get("index").intValue()).isEqualTo(3);
    assertThat(ids.get("usage").get("prompt_tokens").intValue()).isEqualTo(4);
  }

  @Test
  void equalPromptsOfARequestHaveEqualSeeds() throws Exception {
    api.post("/v1/completions", "{\"prompt\":[\"a\",\"a\"],\"n\":2,\"seed\":1}");
    assertThat(api.service.requests().stream().map(GenerationRequest::sampling).map(s -> s.seed()))
        .containsExactly(1L, 2L, 1L, 2L);
  }

  @Test
  void refusesWhatIsNoPrompt() throws Exception {
    assertThat(prompt("null").errorParam(400)).isEqualTo("prompt");
    assertThat(prompt("1").errorParam(400)).isEqualTo("prompt");
    assertThat(prompt("[]").errorParam(400)).isEqualTo("prompt");
    assertThat(prompt("[[]]").errorParam(400)).isEqualTo("prompt[0]");
    assertThat(prompt("[1,\"a\"]").errorParam(400)).isEqualTo("prompt[1]");
    assertThat(prompt("[\"a\",1]").errorParam(400)).isEqualTo("prompt[1]");
    assertThat(prompt("[[1],\"a\"]").errorParam(400)).isEqualTo("prompt[1]");
    assertThat(prompt("[1,263]").errorParam(400)).isEqualTo("prompt[1]");
    assertThat(prompt("[[-1]]").errorParam(400)).isEqualTo("prompt[0][0]");
    assertThat(prompt("[1.5]").errorParam(400)).isEqualTo("prompt[0]");
    assertThat(prompt("{}").errorParam(400)).isEqualTo("prompt");
    String many = "[" + "\"a\",".repeat(32) + "\"a\"]";
    assertThat(prompt(many).errorParam(400)).isEqualTo("prompt");
    assertThat(api.service.requests()).isEmpty();
    try (ApiFixture other = new ApiFixture(null, false, o -> o)) {
      assertThat(other.post("/v1/completions", "{\"prompt\":\"\"}").errorParam(400))
          .isEqualTo("prompt");
    }
  }

  @Test
  void logprobsInTheEarlierForm() throws Exception {
    api.service.script(play -> play.token(ByteTokenizer.HELLO).say("🦊!").end());
    JsonNode logprobs = api.complete("\"logprobs\":2").json().get("choices").get(0).get("logprobs");
    assertThat(logprobs.get("tokens").toString())
        .isEqualTo(
            "[\"Hello\",\"bytes:\\\\xf0\",\"bytes:\\\\x9f\",\"bytes:\\\\xa6\","
                + "\"bytes:\\\\x8a\",\"!\"]");
    assertThat(logprobs.get("token_logprobs").size()).isEqualTo(6);
    assertThat(logprobs.get("token_logprobs").get(5).doubleValue()).isEqualTo(-0.5);
    // Code points, so the fox counts one.
    assertThat(logprobs.get("text_offset").toString()).isEqualTo("[0,5,5,5,5,6]");
    assertThat(logprobs.get("top_logprobs").size()).isEqualTo(6);
    assertThat(logprobs.get("top_logprobs").get(5).toString())
        .isEqualTo("{\"!\":-0.5,\"\\\"\":-1.5}");
    // The chosen token is there even if it is not among the best.
    assertThat(logprobs.get("top_logprobs").get(0).size()).isEqualTo(3);
    assertThat(logprobs.get("top_logprobs").get(0).get("Hello").doubleValue()).isEqualTo(-0.5);
  }

  @Test
  void logprobsOfTheTokensOnly() throws Exception {
    JsonNode logprobs = api.complete("\"logprobs\":0").json().get("choices").get(0).get("logprobs");
    assertThat(api.service.request().topLogprobs()).isZero();
    assertThat(logprobs.get("top_logprobs").isNull()).isTrue();
    assertThat(logprobs.get("tokens").size()).isEqualTo(11);
  }
}
