package io.ladon.coordinator.generate;

/**
 * A token and the natural logarithm of its probability under the model itself (temperature 1,
 * nothing filtered).
 */
public record TokenLogprob(int id, double logprob) {}
