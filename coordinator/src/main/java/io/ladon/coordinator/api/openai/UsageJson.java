package io.ladon.coordinator.api.openai;

import io.ladon.coordinator.api.http.Json;
import io.ladon.coordinator.generate.Usage;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** What an answer took: OpenAI's {@code usage}, and the extension {@code timings}. */
final class UsageJson {
  private static final double NANOS_PER_MS = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  private UsageJson() {}

  /**
   * One choice's part.
   *
   * @param completionTokens those that count, which are fewer than were generated where a stop text
   *     ended the choice
   * @param firstOfPrompt whether this choice is the first of its prompt: a prompt counts once
   */
  record Part(Usage usage, int completionTokens, boolean firstOfPrompt) {}

  /**
   * {@code {prompt_tokens, completion_tokens, total_tokens}}.
   *
   * @param predicted whether the request had a prediction: then {@code completion_tokens_details}
   *     say what became of it
   */
  static ObjectNode usage(List<Part> parts, boolean predicted) {
    long prompt = promptTokens(parts);
    long completion = parts.stream().mapToLong(Part::completionTokens).sum();
    ObjectNode usage =
        Json.object()
            .put("prompt_tokens", prompt)
            .put("completion_tokens", completion)
            .put("total_tokens", prompt + completion);
    if (predicted) {
      long accepted = parts.stream().mapToLong(p -> p.usage().acceptedPrediction()).sum();
      long rejected = parts.stream().mapToLong(p -> p.usage().rejectedPrediction()).sum();
      usage
          .putObject("completion_tokens_details")
          .put("accepted_prediction_tokens", accepted)
          .put("rejected_prediction_tokens", rejected);
    }
    return usage;
  }

  private static long promptTokens(List<Part> parts) {
    return parts.stream()
        .filter(Part::firstOfPrompt)
        .mapToLong(part -> part.usage().promptTokens())
        .sum();
  }

  /**
   * Times in milliseconds and speeds in tokens a second. Of several choices, which run together,
   * the longest times count. Generated tokens a second are those after a choice's first one over
   * the time they took.
   */
  static ObjectNode timings(List<Part> parts) {
    long promptNanos = 0;
    long generationNanos = 0;
    long firstNanos = Long.MAX_VALUE;
    long later = 0;
    double share = 0;
    long drafted = 0;
    long accepted = 0;
    for (Part part : parts) {
      Usage usage = part.usage();
      promptNanos = Math.max(promptNanos, usage.promptTime().toNanos());
      generationNanos = Math.max(generationNanos, usage.generationTime().toNanos());
      firstNanos = Math.min(firstNanos, usage.timeToFirstToken().toNanos());
      later += Math.max(0, usage.generatedTokens() - 1);
      share += usage.exchangeShare() / parts.size();
      drafted += usage.draftedTokens();
      accepted += usage.acceptedTokens();
    }
    return Json.object()
        .put("time_to_first_token_ms", ms(firstNanos))
        .put("prompt_ms", ms(promptNanos))
        .put("prompt_tokens_per_second", rate(promptTokens(parts), promptNanos))
        .put("generation_ms", ms(generationNanos))
        .put("generated_tokens_per_second", rate(later, generationNanos))
        .put("exchange_share", share)
        .put("draft_n", drafted)
        .put("draft_n_accepted", accepted);
  }

  private static double ms(long nanos) {
    return Duration.ofNanos(nanos).toNanos() / NANOS_PER_MS;
  }

  private static double rate(long tokens, long nanos) {
    return nanos <= 0 ? 0 : tokens * NANOS_PER_SECOND / nanos;
  }
}
