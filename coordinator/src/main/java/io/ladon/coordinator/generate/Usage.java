package io.ladon.coordinator.generate;

import java.time.Duration;

/**
 * What a request took.
 *
 * @param promptTokens tokens of the prompt
 * @param generatedTokens tokens that were sampled, an ending token included
 * @param timeToFirstToken from acceptance to the first token, the wait in the queue included; zero
 *     when there was none
 * @param promptTime from the first step of the prompt to the first token
 * @param generationTime from the first token to the last
 * @param exchangeShare part of the ranks' time in this request's steps that went into exchanges, 0
 *     to 1
 * @param draftedTokens tokens that were tested because the text so far made them probable
 * @param acceptedTokens of them, those that were the next ones
 * @param acceptedPrediction of these, those from the request's prediction
 * @param rejectedPrediction tokens of the prediction that were tested and not the next ones
 */
public record Usage(
    int promptTokens,
    int generatedTokens,
    Duration timeToFirstToken,
    Duration promptTime,
    Duration generationTime,
    double exchangeShare,
    int draftedTokens,
    int acceptedTokens,
    int acceptedPrediction,
    int rejectedPrediction) {}
