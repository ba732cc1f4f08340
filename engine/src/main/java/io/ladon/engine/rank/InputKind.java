package io.ladon.engine.rank;

import io.ladon.engine.checkpoint.TensorType;

/** What the products of one input eat: a property of the model, the same in all ranks. */
enum InputKind {
  /** Weights are floats. */
  FLOAT,
  /** Weights are quantised, so the input is int8. */
  INT8,
  /** Some are, some are not. */
  BOTH;

  /** The kind of an input of matrices of some types. */
  static InputKind of(TensorType... weights) {
    boolean floats = false;
    boolean quants = false;
    for (TensorType type : weights) {
      floats |= type.isFloat();
      quants |= !type.isFloat();
    }
    return floats && quants ? BOTH : quants ? INT8 : FLOAT;
  }

  /** Whether int8 is needed. */
  boolean needsQuants() {
    return this != FLOAT;
  }

  /** Whether int8 is all that is needed, so that only it travels. */
  boolean onlyQuants() {
    return this == INT8;
  }
}
