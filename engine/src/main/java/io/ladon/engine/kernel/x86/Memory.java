package io.ladon.engine.kernel.x86;

/**
 * Memory at {@code base + displacement}.
 *
 * @param broadcast whether the instruction reads one element and repeats it in all lanes (AVX-512)
 */
record Memory(Gp base, int displacement, boolean broadcast) implements Operand {

  @Override
  public int number() {
    return base.number();
  }

  static Memory at(Gp base, int displacement) {
    return new Memory(base, displacement, false);
  }

  /** One element of 4 bytes, repeated. */
  static Memory each(Gp base, int displacement) {
    return new Memory(base, displacement, true);
  }
}
