package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.ApiException;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What chat and plain completions have in common.
 *
 * @param n choices a prompt
 * @param maxTokens most tokens a choice; null where the client does not say
 * @param temperature 0 for greedy
 * @param topP above 0: a client's 0 keeps the best token only, as the least positive value does
 * @param topK 0 for all
 * @param seed of a prompt's first choice; the next ones count on from it
 * @param topLogprobs alternatives a token; 0 for the token's own only, -1 for no log-probabilities
 * @param stops texts that end a choice, and are not part of it
 * @param ignoreEndOfGeneration whether the model's own end is overruled
 * @param prediction a text that the answer is expected to repeat in parts; null for none
 */
record Parameters(
    int n,
    @Nullable Integer maxTokens,
    float temperature,
    float topP,
    int topK,
    float minP,
    long seed,
    int topLogprobs,
    List<String> stops,
    boolean ignoreEndOfGeneration,
    boolean stream,
    boolean includeUsage,
    @Nullable String prediction) {

  /** OpenAI's documented default for plain completions. */
  private static final int COMPLETION_MAX_TOKENS = 16;

  private static final int MAX_STOPS = 4;
  private static final int CHAT_TOP_LOGPROBS = 20;
  private static final int COMPLETION_TOP_LOGPROBS = 5;

  /** Reads those of a chat request. */
  static Parameters ofChat(JsonFields fields, RandomGenerator seeds, int maxChoices)
      throws ApiException {
    Integer maxTokens = maxTokens(fields, "max_tokens");
    Integer maxCompletionTokens = maxTokens(fields, "max_completion_tokens");
    if (maxTokens != null
        && maxCompletionTokens != null
        && !maxTokens.equals(maxCompletionTokens)) {
      throw ApiException.invalid(
          "max_completion_tokens",
          "invalid_value",
          "'max_completion_tokens' is %d and 'max_tokens' is %d: give one, or the same"
              .formatted(maxCompletionTokens, maxTokens));
    }
    boolean logprobs = fields.bool("logprobs", false);
    Long top = fields.integer("top_logprobs", 0, CHAT_TOP_LOGPROBS);
    if (top != null && !logprobs) {
      throw ApiException.invalid(
          "top_logprobs", "invalid_value", "'top_logprobs' needs 'logprobs' to be true");
    }
    int topLogprobs = !logprobs ? -1 : top == null ? 0 : top.intValue();
    fields.string("user");
    fields.string("safety_identifier");
    fields.string("prompt_cache_key");
    return of(
        fields,
        maxTokens == null ? maxCompletionTokens : maxTokens,
        topLogprobs,
        seeds,
        maxChoices,
        prediction(fields));
  }

  /** OpenAI's "predicted outputs". */
  private static @Nullable String prediction(JsonFields fields) throws ApiException {
    JsonFields prediction = fields.object("prediction");
    if (prediction == null) {
      return null;
    }
    String type = prediction.requiredString("type");
    if (!type.equals("content")) {
      throw ApiException.invalid(
          "prediction.type",
          "unsupported_parameter",
          "'prediction.type' is '%s'; only content is supported".formatted(type));
    }
    String content = ChatMessages.content(prediction);
    prediction.refuseOthers();
    return content;
  }

  /** Reads those of a completion request. */
  static Parameters ofCompletion(JsonFields fields, RandomGenerator seeds, int maxChoices)
      throws ApiException {
    Integer maxTokens = maxTokens(fields, "max_tokens");
    Long top = fields.integer("logprobs", 0, COMPLETION_TOP_LOGPROBS);
    fields.string("user");
    return of(
        fields,
        maxTokens == null ? Integer.valueOf(COMPLETION_MAX_TOKENS) : maxTokens,
        top == null ? -1 : top.intValue(),
        seeds,
        maxChoices,
        null);
  }

  private static Parameters of(
      JsonFields fields,
      @Nullable Integer maxTokens,
      int topLogprobs,
      RandomGenerator seeds,
      int maxChoices,
      @Nullable String prediction)
      throws ApiException {
    Long n = fields.integer("n", 1, maxChoices);
    Double temperature = fields.number("temperature", 0, 2);
    Double topP = fields.number("top_p", 0, 1);
    Long topK = fields.integer("top_k", 0, Integer.MAX_VALUE);
    Double minP = fields.number("min_p", 0, 1);
    Long seed = fields.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE);
    boolean stream = fields.bool("stream", false);
    return new Parameters(
        n == null ? 1 : n.intValue(),
        maxTokens,
        temperature == null ? 1f : temperature.floatValue(),
        topP == null ? 1f : Math.max(topP.floatValue(), Float.MIN_NORMAL),
        topK == null ? 0 : topK.intValue(),
        minP == null ? 0f : minP.floatValue(),
        seed == null ? seeds.nextLong() : seed,
        topLogprobs,
        stops(fields),
        fields.bool("ignore_eos", false),
        stream,
        includeUsage(fields, stream),
        prediction);
  }

  private static @Nullable Integer maxTokens(JsonFields fields, String name) throws ApiException {
    Long value = fields.integer(name, 1, Integer.MAX_VALUE);
    return value == null ? null : (Integer) value.intValue();
  }

  private static List<String> stops(JsonFields fields) throws ApiException {
    JsonNode node = fields.any("stop");
    if (node == null) {
      return List.of();
    }
    List<String> stops = new ArrayList<>();
    if (node.isString()) {
      stops.add(JsonFields.text("stop", node));
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        stops.add(JsonFields.text("stop[" + i + "]", node.get(i)));
      }
    } else {
      throw JsonFields.wrongType("stop", "a string or an array of strings", node);
    }
    if (stops.size() > MAX_STOPS) {
      throw ApiException.invalid(
          "stop",
          "invalid_value",
          "'stop' has %d texts; at most %d are allowed".formatted(stops.size(), MAX_STOPS));
    }
    if (stops.contains("")) {
      throw ApiException.invalid("stop", "invalid_value", "'stop' must not hold an empty text");
    }
    return stops;
  }

  private static boolean includeUsage(JsonFields fields, boolean stream) throws ApiException {
    JsonFields options = fields.object("stream_options");
    if (options == null) {
      return false;
    }
    if (!stream) {
      throw ApiException.invalid(
          "stream_options", "invalid_value", "'stream_options' needs 'stream' to be true");
    }
    boolean usage = options.bool("include_usage", false);
    if (options.bool("include_obfuscation", false)) {
      throw ApiException.invalid(
          "stream_options.include_obfuscation",
          "unsupported_parameter",
          "'stream_options.include_obfuscation' is not supported by this server");
    }
    options.refuseOthers();
    return usage;
  }

  /** Whether log-probabilities were asked for. */
  boolean logprobs() {
    return topLogprobs >= 0;
  }

  /**
   * The generations that answer these prompts: {@code n} for the first, then {@code n} for the
   * next.
   *
   * @param param the field that holds the prompts
   * @param defaultMaxTokens where the client sets no limit, and the context leaves that many
   * @param tokenizer of the prediction, which is plain text
   * @throws ApiException 400 if a prompt and what may follow it do not fit the context
   */
  List<GenerationRequest> generations(
      List<int[]> prompts,
      String param,
      int contextLength,
      int defaultMaxTokens,
      Tokenizer tokenizer)
      throws ApiException {
    int[] expected = prediction == null ? new int[0] : tokenizer.encode(prediction, false, false);
    List<GenerationRequest> all = new ArrayList<>();
    for (int[] prompt : prompts) {
      int room = room(prompt.length, param, contextLength);
      int most = maxTokens == null ? Math.min(room, defaultMaxTokens) : maxTokens;
      for (int i = 0; i < n; i++) {
        SamplingOptions sampling = new SamplingOptions(temperature, topP, topK, minP, seed + i);
        all.add(
            new GenerationRequest(
                prompt, most, sampling, topLogprobs, ignoreEndOfGeneration, expected));
      }
    }
    return all;
  }

  private int room(int promptLength, String param, int contextLength) throws ApiException {
    Integer asked = maxTokens;
    long wanted = (long) promptLength + (asked == null ? 1 : asked);
    if (wanted > contextLength) {
      String what =
          asked == null
              ? "the prompt has %d tokens, which leaves no room for an answer"
                  .formatted(promptLength)
              : "%d tokens were requested (%d in the prompt, %d for the answer)"
                  .formatted(wanted, promptLength, asked);
      throw ApiException.invalid(
          param,
          "context_length_exceeded",
          "the model's context is %d tokens long, but %s".formatted(contextLength, what));
    }
    return contextLength - promptLength;
  }
}
