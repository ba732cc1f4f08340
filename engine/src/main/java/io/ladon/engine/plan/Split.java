package io.ladon.engine.plan;

/**
 * What a rank holds of a projection whose input the ranks hold in pieces. All three give the same
 * bits.
 */
public enum Split {
  /** The whole matrix: a step costs one gather of the input. */
  WHOLE,
  /** Its rows: a step costs a gather of the input and one of the output. */
  ROWS,
  /** Its columns, whole leaves: a step costs one exchange of partial sums. */
  COLUMNS
}
