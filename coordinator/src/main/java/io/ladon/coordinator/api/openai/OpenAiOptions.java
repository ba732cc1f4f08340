package io.ladon.coordinator.api.openai;

import java.time.Clock;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * What the endpoints are told.
 *
 * @param defaultMaxTokens tokens of a chat answer whose request sets no limit, where the context
 *     leaves that many
 * @param maxChoices choices of one request: prompts times {@code n}
 * @param stallTimeout without a token after which an answer is given up; longer than the service's
 *     own deadlines
 * @param clock for {@code created}
 * @param random for ids, and for seeds where the client gives none; safe for many threads
 */
public record OpenAiOptions(
    int defaultMaxTokens,
    int maxChoices,
    Duration stallTimeout,
    Clock clock,
    RandomGenerator random) {}
