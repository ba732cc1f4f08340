package io.ladon.engine.kernel.x86;

/**
 * A vector register.
 *
 * @param number 0 to 31; from 16 on AVX-512 only
 * @param bits 128, 256 or 512
 */
record Vector(int number, int bits) implements Operand {

  static Vector xmm(int number) {
    return new Vector(number, 128);
  }

  static Vector ymm(int number) {
    return new Vector(number, 256);
  }

  static Vector zmm(int number) {
    return new Vector(number, 512);
  }
}
