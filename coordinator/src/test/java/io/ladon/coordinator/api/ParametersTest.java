package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is accepted, and what is refused by name. */
class ParametersTest {
  private static ApiFixture api;

  @BeforeAll
  static void start() throws Exception {
    api = new ApiFixture();
  }

  @AfterAll
  static void stop() {
    api.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"frequency_penalty\":0",
        "\"presence_penalty\":0.0",
        "\"logit_bias\":{}",
        "\"logit_bias\":null",
        "\"tools\":[]",
        "\"functions\":[]",
        "\"tool_choice\":\"none\"",
        "\"tool_choice\":\"auto\"",
        "\"function_call\":\"none\"",
        "\"parallel_tool_calls\":true",
        "\"parallel_tool_calls\":false",
        "\"response_format\":{\"type\":\"text\"}",
        "\"modalities\":[\"text\"]",
        "\"audio\":null",
        "\"service_tier\":\"auto\"",
        "\"store\":false",
        "\"metadata\":{}",
        "\"user\":\"u\"",
        "\"safety_identifier\":\"u\"",
        "\"prompt_cache_key\":\"k\"",
        "\"n\":1",
        "\"stream\":false",
        "\"stream_options\":null",
        "\"logprobs\":false",
        "\"max_tokens\":5",
        "\"max_completion_tokens\":5",
        "\"temperature\":0",
        "\"temperature\":2",
        "\"temperature\":1e0",
        "\"top_p\":1",
        "\"top_k\":0",
        "\"min_p\":1.0",
        "\"seed\":9223372036854775807",
        "\"stop\":\"x\"",
        "\"stop\":[\"a\",\"b\",\"c\",\"d\"]",
        "\"stop\":[]",
      })
  void accepts(String fields) throws Exception {
    ApiFixture.Reply reply = api.chat(fields);
    assertThat(reply.status()).as(reply.response().body()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "unknown_parameter|foo|\"foo\":1",
        "unknown_parameter|foo|\"foo\":null",
        "unknown_parameter|echo|\"echo\":false",
        "unsupported_parameter|frequency_penalty|\"frequency_penalty\":0.1",
        "unsupported_parameter|presence_penalty|\"presence_penalty\":-1",
        "unsupported_parameter|logit_bias|\"logit_bias\":{\"1\":1}",
        "unsupported_parameter|tools|\"tools\":[{\"type\":\"function\"}]",
        "unsupported_parameter|tool_choice|\"tool_choice\":\"required\"",
        "unsupported_parameter|functions|\"functions\":[{}]",
        "unsupported_parameter|response_format|\"response_format\":{\"type\":\"json_object\"}",
        "unsupported_parameter|modalities|\"modalities\":[\"text\",\"audio\"]",
        "unsupported_parameter|audio|\"audio\":{}",
        "missing_required_parameter|prediction.type|\"prediction\":{}",
        "invalid_type|prediction|\"prediction\":\"text\"",
        "unsupported_parameter|prediction.type|\"prediction\":{\"type\":\"image\"}",
        "missing_required_parameter|prediction.content|\"prediction\":{\"type\":\"content\"}",
        "unknown_parameter|prediction.a|\"prediction\":{\"type\":\"content\",\"content\":\"x\",\"a\":1}",
        "unsupported_parameter|reasoning_effort|\"reasoning_effort\":\"low\"",
        "unsupported_parameter|verbosity|\"verbosity\":\"low\"",
        "unsupported_parameter|web_search_options|\"web_search_options\":{}",
        "unsupported_parameter|service_tier|\"service_tier\":\"flex\"",
        "unsupported_parameter|store|\"store\":true",
        "unsupported_parameter|metadata|\"metadata\":{\"a\":\"b\"}",
        "invalid_type|temperature|\"temperature\":\"1\"",
        "invalid_value|temperature|\"temperature\":2.1",
        "invalid_value|temperature|\"temperature\":-0.1",
        "invalid_value|temperature|\"temperature\":1e999",
        "invalid_value|top_p|\"top_p\":1.5",
        "invalid_type|top_k|\"top_k\":1.5",
        "invalid_value|top_k|\"top_k\":-1",
        "invalid_value|min_p|\"min_p\":2",
        "invalid_type|seed|\"seed\":true",
        "invalid_value|seed|\"seed\":9223372036854775808",
        "invalid_value|n|\"n\":0",
        "invalid_value|n|\"n\":33",
        "invalid_type|n|\"n\":[1]",
        "invalid_value|max_tokens|\"max_tokens\":0",
        "invalid_type|max_tokens|\"max_tokens\":\"5\"",
        "invalid_value|max_completion_tokens|\"max_tokens\":5,\"max_completion_tokens\":6",
        "invalid_type|stop|\"stop\":1",
        "invalid_type|stop[1]|\"stop\":[\"a\",1]",
        "invalid_value|stop|\"stop\":\"\"",
        "invalid_value|stop|\"stop\":[\"a\",\"\"]",
        "invalid_value|stop|\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]",
        "invalid_value|stop|\"stop\":\"\\ud800\"",
        "invalid_type|logprobs|\"logprobs\":1",
        "invalid_value|top_logprobs|\"top_logprobs\":1",
        "invalid_value|top_logprobs|\"logprobs\":true,\"top_logprobs\":21",
        "invalid_type|stream|\"stream\":\"yes\"",
        "invalid_value|stream_options|\"stream_options\":{\"include_usage\":true}",
        "invalid_type|stream_options|\"stream\":true,\"stream_options\":1",
        "invalid_type|stream_options.include_usage|\"stream\":true,\"stream_options\":{\"include_usage\":1}",
        "unknown_parameter|stream_options.x|\"stream\":true,\"stream_options\":{\"x\":1}",
        "unsupported_parameter|stream_options.include_obfuscation|\"stream\":true,\"stream_options\":{\"include_obfuscation\":true}",
        "invalid_type|model|\"model\":1",
        "invalid_type|user|\"user\":1",
        "invalid_type|ignore_eos|\"ignore_eos\":0",
      })
  void refuses(String code, String param, String fields) throws Exception {
    int before = api.service.requests().size();
    ApiFixture.Reply reply = api.chat(fields);
    assertThat(reply.errorParam(400)).isEqualTo(param);
    assertThat(reply.errorCode()).isEqualTo(code);
    assertThat(reply.errorMessage()).contains(param);
    assertThat(reply.json().get("error").get("type").stringValue())
        .isEqualTo("invalid_request_error");
    assertThat(api.service.requests()).hasSize(before);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "unsupported_parameter|echo|\"echo\":true",
        "unsupported_parameter|suffix|\"suffix\":\"x\"",
        "unsupported_parameter|best_of|\"best_of\":2",
        "unsupported_parameter|presence_penalty|\"presence_penalty\":1",
        "invalid_value|logprobs|\"logprobs\":6",
        "invalid_type|logprobs|\"logprobs\":true",
        "unknown_parameter|max_completion_tokens|\"max_completion_tokens\":1",
        "unknown_parameter|messages|\"messages\":[]",
      })
  void refusesInCompletions(String code, String param, String fields) throws Exception {
    ApiFixture.Reply reply = api.complete(fields);
    assertThat(reply.errorParam(400)).isEqualTo(param);
    assertThat(reply.errorCode()).isEqualTo(code);
  }

  @Test
  void acceptsInCompletions() throws Exception {
    ApiFixture.Reply reply =
        api.complete("\"echo\":false,\"suffix\":\"\",\"best_of\":1,\"logit_bias\":{}");
    assertThat(reply.status()).as(reply.response().body()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "messages|null",
        "messages|1",
        "messages|[]",
        "messages[0]|[1]",
        "messages[0].role|[{\"content\":\"a\"}]",
        "messages[0].role|[{\"role\":\"robot\",\"content\":\"a\"}]",
        "messages[0].role|[{\"role\":1,\"content\":\"a\"}]",
        "messages[0].content|[{\"role\":\"user\"}]",
        "messages[0].content|[{\"role\":\"assistant\",\"content\":null}]",
        "messages[0].content|[{\"role\":\"user\",\"content\":1}]",
        "messages[0].content|[{\"role\":\"user\",\"content\":\"\\udc00\"}]",
        "messages[0].content[0]|[{\"role\":\"user\",\"content\":[1]}]",
        "messages[0].content[0].type|[{\"role\":\"user\",\"content\":[{}]}]",
        "messages[0].content[0].type|[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]",
        "messages[0].content[0].text|[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]",
        "messages[0].content[0].x|[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\",\"x\":1}]}]",
        "messages[0].name|[{\"role\":\"user\",\"content\":\"a\",\"name\":\"b\"}]",
        "messages[1].tool_calls|[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"a\",\"tool_calls\":[{}]}]",
        "messages[0].tool_call_id|[{\"role\":\"tool\",\"content\":\"a\",\"tool_call_id\":\"b\"}]",
        "messages[0].refusal|[{\"role\":\"assistant\",\"content\":\"a\",\"refusal\":\"b\"}]",
        "messages[0].foo|[{\"role\":\"user\",\"content\":\"a\",\"foo\":\"b\"}]",
      })
  void refusesMessages(String param, String messages) throws Exception {
    ApiFixture.Reply reply = api.post("/v1/chat/completions", "{\"messages\":" + messages + "}");
    assertThat(reply.errorParam(400)).isEqualTo(param);
  }

  @Test
  void aContextTooLongSaysHowLongAndHowLongIsAllowed() throws Exception {
    ApiFixture.Reply reply =
        api.post("/v1/completions", "{\"prompt\":\"%s\"}".formatted("a".repeat(600)));
    assertThat(reply.errorParam(400)).isEqualTo("prompt");
    assertThat(reply.errorCode()).isEqualTo("context_length_exceeded");
    assertThat(reply.errorMessage()).contains("512", "617", "601");

    reply =
        api.post(
            "/v1/chat/completions",
            "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}".formatted("a".repeat(600)));
    assertThat(reply.errorParam(400)).isEqualTo("messages");
    assertThat(reply.errorCode()).isEqualTo("context_length_exceeded");
    assertThat(reply.errorMessage()).contains("512");

    reply = api.complete("\"max_tokens\":510");
    assertThat(reply.errorCode()).isEqualTo("context_length_exceeded");
    assertThat(api.complete("\"max_tokens\":509").status()).isEqualTo(200);
  }

  @Test
  void anUnknownModelIsNotFound() throws Exception {
    ApiFixture.Reply reply = api.chat("\"model\":\"gpt\"");
    assertThat(reply.errorParam(404)).isEqualTo("model");
    assertThat(reply.errorCode()).isEqualTo("model_not_found");
    assertThat(api.complete("\"model\":\"gpt\"").status()).isEqualTo(404);
  }
}
