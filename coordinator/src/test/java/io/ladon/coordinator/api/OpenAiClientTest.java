package io.ladon.coordinator.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.SseException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionPredictionContent;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.ServiceException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** OpenAI's own client finds what it expects. */
class OpenAiClientTest {
  private ApiFixture api;
  private OpenAIClient client;

  @BeforeEach
  void start() throws Exception {
    api = new ApiFixture();
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(api.uri("/v1").toString())
            .apiKey("none")
            .timeout(Duration.ofSeconds(20))
            .maxRetries(0)
            .build();
  }

  @AfterEach
  void stop() {
    client.close();
    api.close();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model("test-model")
        .addSystemMessage("Be brief.")
        .addUserMessage("Hi")
        .maxCompletionTokens(20)
        .temperature(0.0)
        .putAdditionalBodyProperty("seed", JsonValue.from(1));
  }

  @Test
  void chats() {
    ChatCompletion answer =
        client.chat().completions().create(chat().logprobs(true).topLogprobs(2).build());
    ChatCompletion.Choice choice = answer.choices().getFirst();
    assertThat(choice.message().content()).contains("Hello world");
    assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
    assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(12);
    var tokens = choice.logprobs().orElseThrow().content().orElseThrow();
    assertThat(tokens).hasSize(11);
    assertThat(tokens.getFirst().bytes().orElseThrow()).containsExactly(72L);
    assertThat(tokens.getFirst().topLogprobs()).hasSize(2);
    // A conversation goes on with the answer as it was given.
    client
        .chat()
        .completions()
        .create(chat().addMessage(choice.message()).addUserMessage("And?").build());
    assertThat(new ByteTokenizer(true).decode(api.service.request().prompt(), false))
        .contains("assistant\nHello world\nuser\nAnd?\n");
    answer.validate();
  }

  @Test
  void predicts() {
    ChatCompletion answer =
        client
            .chat()
            .completions()
            .create(
                chat()
                    .prediction(
                        ChatCompletionPredictionContent.builder().content("Hello moon").build())
                    .build());
    answer.validate();
    assertThat(new ByteTokenizer(true).decode(api.service.request().prediction(), false))
        .isEqualTo("Hello moon");
    var details = answer.usage().orElseThrow().completionTokensDetails().orElseThrow();
    assertThat(details.acceptedPredictionTokens()).contains(5L);
    assertThat(details.rejectedPredictionTokens()).contains(1L);
  }

  @Test
  void streams() {
    StringBuilder text = new StringBuilder();
    List<ChatCompletionChunk> chunks;
    try (StreamResponse<ChatCompletionChunk> stream =
        client
            .chat()
            .completions()
            .createStreaming(
                chat()
                    .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
                    .build())) {
      chunks = stream.stream().toList();
    }
    for (ChatCompletionChunk chunk : chunks) {
      chunk.validate();
      chunk.choices().forEach(c -> c.delta().content().ifPresent(text::append));
    }
    assertThat(text.toString()).isEqualTo("Hello world");
    assertThat(chunks.getLast().usage().orElseThrow().completionTokens()).isEqualTo(12);
  }

  @Test
  void completes() {
    CompletionCreateParams request =
        CompletionCreateParams.builder()
            .model("test-model")
            .prompt("Hi")
            .maxTokens(20)
            .logprobs(1)
            .build();
    Completion answer = client.completions().create(request).validate();
    assertThat(answer.choices().getFirst().text()).isEqualTo("Hello world");
    assertThat(answer.choices().getFirst().logprobs().orElseThrow().tokens().orElseThrow())
        .hasSize(11);
    StringBuilder text = new StringBuilder();
    try (StreamResponse<Completion> stream = client.completions().createStreaming(request)) {
      stream.stream().forEach(c -> text.append(c.choices().getFirst().text()));
    }
    assertThat(text.toString()).isEqualTo("Hello world");
  }

  @Test
  void listsModels() {
    assertThat(client.models().list().data().getFirst().id()).isEqualTo("test-model");
    assertThat(client.models().retrieve("test-model").validate().ownedBy()).isEqualTo("ladon");
  }

  @Test
  void understandsErrors() {
    assertThatThrownBy(() -> client.chat().completions().create(chat().n(0).build()))
        .isInstanceOfSatisfying(
            BadRequestException.class, e -> assertThat(e.param()).contains("n"));
    assertThatThrownBy(() -> client.chat().completions().create(chat().model("gpt").build()))
        .isInstanceOfSatisfying(
            NotFoundException.class, e -> assertThat(e.code()).contains("model_not_found"));
    api.service.refuse(new ServiceException(ErrorCode.QUEUE_FULL, "256 requests wait"));
    assertThatThrownBy(() -> client.chat().completions().create(chat().build()))
        .isInstanceOf(RateLimitException.class)
        .hasMessageContaining("256 requests wait");
    api.service.refuse(null);
    api.service.script(
        play -> {
          play.say("a");
          play.error(new ServiceException(ErrorCode.WORKER_LOST, "rank 1 is gone"));
        });
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(chat().build())) {
      assertThatThrownBy(() -> stream.stream().forEach(chunk -> {}))
          .isInstanceOf(SseException.class)
          .hasMessageContaining("rank 1 is gone");
    }
  }
}
