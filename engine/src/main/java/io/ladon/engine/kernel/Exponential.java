package io.ladon.engine.kernel;

/** Placeholder for the project's own exponential: the same operations in every tier. */
final class Exponential {
  private Exponential() {}
}
