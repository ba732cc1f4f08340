package io.ladon.coordinator.schedule;

import io.ladon.coordinator.generate.ErrorCode;
import io.ladon.coordinator.generate.GenerationRequest;
import io.ladon.coordinator.generate.SamplingOptions;
import io.ladon.coordinator.generate.ServiceException;

/** What a request must be to be accepted. */
final class RequestCheck {

  private final int vocabularySize;
  private final int contextLength;
  private final int maxCandidates;

  RequestCheck(int vocabularySize, int contextLength, int maxCandidates) {
    this.vocabularySize = vocabularySize;
    this.contextLength = contextLength;
    this.maxCandidates = maxCandidates;
  }

  void check(GenerationRequest request) throws ServiceException {
    int prompt = request.prompt().length;
    require(prompt > 0, "prompt", "the prompt has no tokens");
    for (int token : request.prompt()) {
      require(
          token >= 0 && token < vocabularySize,
          "prompt",
          "token " + token + " is not within 0 and " + (vocabularySize - 1));
    }
    require(
        request.maxTokens() >= 1,
        "max_tokens",
        "max_tokens must be at least 1, not " + request.maxTokens());
    if ((long) prompt + request.maxTokens() > contextLength) {
      throw new ServiceException(
          ErrorCode.CONTEXT_TOO_LONG,
          "the prompt has %d tokens and %d are to be generated: %d in all, %d are allowed"
              .formatted(
                  prompt, request.maxTokens(), (long) prompt + request.maxTokens(), contextLength),
          prompt >= contextLength ? "prompt" : "max_tokens");
    }
    require(
        request.topLogprobs() >= -1 && request.topLogprobs() <= maxCandidates,
        "top_logprobs",
        "top_logprobs must be within 0 and %d, not %d"
            .formatted(maxCandidates, request.topLogprobs()));
    check(request.sampling());
  }

  private static void check(SamplingOptions o) throws ServiceException {
    require(
        o.temperature() >= 0 && Float.isFinite(o.temperature()),
        "temperature",
        "temperature must be 0 or more, not " + o.temperature());
    require(
        o.topP() > 0 && o.topP() <= 1,
        "top_p",
        "top_p must be more than 0 and at most 1, not " + o.topP());
    require(o.topK() >= 0, "top_k", "top_k must be 0 or more, not " + o.topK());
    require(
        o.minP() >= 0 && o.minP() <= 1, "min_p", "min_p must be within 0 and 1, not " + o.minP());
  }

  private static void require(boolean condition, String param, String message)
      throws ServiceException {
    if (!condition) {
      throw new ServiceException(ErrorCode.INVALID_REQUEST, message, param);
    }
  }
}
