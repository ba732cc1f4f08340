package io.ladon.engine.kernel.x86;

/**
 * Numbers that the code of float32 arithmetic is given by those who define the arithmetic: see
 * {@code Exponential} for their meaning.
 */
public enum Constant {
  LOWEST,
  LOWEST_POWER,
  HIGHEST,
  LOG2_E,
  ROUNDER,
  MINUS_LN2_HIGH,
  MINUS_LN2_LOW,
  P0,
  P1,
  P2,
  P3,
  P4,
  P5,
  GELU_1,
  GELU_3,
  ONE,
  LARGEST_QUANT,
  LOWEST_HALF,
  LARGEST_HALF,
  INFINITY
}
