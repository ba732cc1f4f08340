package io.ladon.containers;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionTokenLogprob;
import com.openai.models.completions.CompletionChoice;
import com.openai.models.completions.CompletionCreateParams;
import io.ladon.testcontainers.LadonCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** OpenAI's client on a cluster. Answers are greedy, with log-probabilities. */
final class Chat {

  static final int TOKENS = 12;

  /** Their prompts differ in length, so that eight at once are a mixed batch. */
  static final List<String> QUESTIONS =
      List.of(
          "Name a fish.",
          "Why is the sky blue?",
          "Name three colours, and say for each of them what in nature has it.",
          "What is 2 + 2?",
          "Say hello in French.",
          "Who wrote the play about the prince of Denmark?",
          "Is the sea deep?",
          "Write one line about an old lighthouse at the end of a long grey pier in winter.");

  static final Duration LIMIT = Duration.ofMinutes(3);

  private final String model;
  private final OpenAIClient client;

  /**
   * What a client sees of an answer.
   *
   * @param tokens each with its log-probability and the best candidates at its place
   */
  record Answer(String text, List<Token> tokens) {}

  record Token(List<Long> bytes, double logprob, List<Candidate> top) {}

  record Candidate(String token, double logprob) {}

  Chat(LadonCluster cluster) {
    this(cluster, LIMIT);
  }

  /**
   * @param limit of a whole answer
   */
  Chat(LadonCluster cluster, Duration limit) {
    model = Model.NAME;
    client =
        OpenAIOkHttpClient.builder()
            .baseUrl(cluster.baseUrl())
            .apiKey("any")
            .timeout(limit)
            .maxRetries(0)
            .build();
  }

  private ChatCompletionCreateParams params(String question, int tokens) {
    return ChatCompletionCreateParams.builder()
        .model(model)
        .addUserMessage(question)
        .temperature(0.0)
        .logprobs(true)
        .topLogprobs(5)
        .maxCompletionTokens(tokens)
        .build();
  }

  Answer ask(String question) {
    return ask(question, TOKENS);
  }

  /** Waits for the whole answer. */
  Answer ask(String question, int tokens) {
    ChatCompletion.Choice choice =
        client.chat().completions().create(params(question, tokens)).choices().getFirst();
    return new Answer(
        choice.message().content().orElse(""),
        tokens(choice.logprobs().flatMap(logprobs -> logprobs.content()).orElseThrow()));
  }

  Answer stream(String question) {
    return stream(question, TOKENS, text -> {});
  }

  /** Reads the answer as it comes. */
  Answer stream(String question, int tokens, Consumer<String> listener) {
    StringBuilder text = new StringBuilder();
    List<Token> all = new ArrayList<>();
    try (StreamResponse<ChatCompletionChunk> response =
        client.chat().completions().createStreaming(params(question, tokens))) {
      Iterator<ChatCompletionChunk> chunks = response.stream().iterator();
      while (chunks.hasNext()) {
        for (ChatCompletionChunk.Choice choice : chunks.next().choices()) {
          choice
              .logprobs()
              .flatMap(logprobs -> logprobs.content())
              .ifPresent(content -> all.addAll(tokens(content)));
          choice.delta().content().ifPresent(text::append);
          choice.delta().content().ifPresent(listener);
        }
      }
    }
    return new Answer(text.toString(), all);
  }

  /** A text continued, with the log-probabilities of what was added. */
  String complete(String prompt, int tokens) {
    CompletionChoice choice =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(model)
                    .prompt(prompt)
                    .temperature(0.0)
                    .logprobs(1)
                    .maxTokens(tokens)
                    .build())
            .choices()
            .getFirst();
    return choice.text()
        + choice.logprobs().flatMap(logprobs -> logprobs.tokenLogprobs()).orElseThrow();
  }

  private static List<Token> tokens(List<ChatCompletionTokenLogprob> content) {
    return content.stream()
        .map(
            token ->
                new Token(
                    token.bytes().orElseThrow(),
                    token.logprob(),
                    token.topLogprobs().stream()
                        .map(top -> new Candidate(top.token(), top.logprob()))
                        .toList()))
        .toList();
  }

  /** All questions one after the other. */
  List<Answer> askAll() {
    return QUESTIONS.stream().map(this::ask).toList();
  }

  /** All questions at the same time, every other one as a stream. */
  List<Answer> askAllAtOnce() throws Exception {
    try (ExecutorService executor = Executors.newFixedThreadPool(QUESTIONS.size())) {
      List<Callable<Answer>> calls = new ArrayList<>();
      for (int i = 0; i < QUESTIONS.size(); i++) {
        String question = QUESTIONS.get(i);
        calls.add(i % 2 == 0 ? () -> ask(question) : () -> stream(question));
      }
      List<Answer> answers = new ArrayList<>();
      for (Future<Answer> answer : executor.invokeAll(calls, LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        answers.add(answer.get());
      }
      return answers;
    }
  }
}
