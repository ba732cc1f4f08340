package io.ladon.engine.model;

/**
 * Rotary position embedding of a model.
 *
 * @param style which two elements of a head form a pair
 * @param dimensions rotated elements of a head, from its start
 * @param base frequency base of global layers
 * @param slidingBase frequency base of sliding layers; equal to {@code base} where no layer slides
 * @param positionScale factor on positions in global layers (1 / the factor of linear scaling); 1
 *     for none
 * @param frequencyFactors whether the checkpoint has {@code rope_freqs.weight}, the divisors of
 *     each pair's frequency (Llama 3 scaling)
 */
public record RopeSpec(
    Style style,
    int dimensions,
    float base,
    float slidingBase,
    float positionScale,
    boolean frequencyFactors) {

  /** Which elements of a head rotate together. */
  public enum Style {
    /** Elements 2i and 2i + 1 (GGML's NORM). */
    ADJACENT,
    /** Elements i and i + dimensions / 2 (GGML's NEOX). */
    HALVES
  }
}
