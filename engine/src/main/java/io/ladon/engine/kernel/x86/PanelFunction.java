package io.ladon.engine.kernel.x86;

/** Multiplies panels of weights with activations that have been prepared for it. */
public interface PanelFunction {

  /**
   * Multiplies.
   *
   * @param parameters address of {@link Parameters}
   */
  void multiply(long parameters);
}
