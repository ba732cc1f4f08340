package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

/**
 * AVX-512 with VNNI: a register has 16 rows, and {@code vpdpbusd} multiplies four columns of each
 * with four activations of one token, which are broadcast as they are read. Each token has a chain
 * of its own, so that from four tokens on the CPU need not wait for a product.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>zmm0-7</td><td>integer dots of each token; they start at the correction for the zero
 *       point</td></tr>
 *   <tr><td>zmm8-15</td><td>sums of each token ({@link Avx512Sums})</td></tr>
 *   <tr><td>zmm16, 17</td><td>scale and minimum of the block</td></tr>
 *   <tr><td>zmm18, 19</td><td>scale and negated minimum of the super-block</td></tr>
 *   <tr><td>zmm20, 21</td><td>weights of columns 4 g and 16 + 4 g</td></tr>
 *   <tr><td>zmm22, 23</td><td>nibbles, and higher bits on their way</td></tr>
 *   <tr><td>zmm24, 25</td><td>fifth and sixth bits of the block</td></tr>
 *   <tr><td>zmm26</td><td>product of the scales</td></tr>
 *   <tr><td>zmm29-31</td><td>constants: sign of floats, nibble mask, mask of higher bits or sign</td></tr>
 * </table>
 */
final class Avx512Arithmetic extends Avx512Sums {

  private static final Vector SCALE = zmm(16);
  private static final Vector MINIMUM = zmm(17);
  private static final Vector SUPER_SCALE = zmm(18);
  private static final Vector SUPER_MINIMUM = zmm(19);
  private static final Vector LOW = zmm(20);
  private static final Vector HIGH = zmm(21);
  private static final Vector NIBBLES = zmm(22);
  private static final Vector SHIFTED = zmm(23);
  private static final Vector[] HIGH_BITS = {zmm(24), zmm(25)};
  private static final Vector PRODUCT = zmm(26);
  private static final Vector SIGN = zmm(29);
  private static final Vector NIBBLE_MASK = zmm(30);
  private static final Vector BITS_MASK = zmm(31);

  /** Of {@link Assembler#vpternlogd}: {@code to | left & right}. */
  static final int OR_AND = 0xF8;

  private final Format format;
  private final Avx512Scales scales;

  Avx512Arithmetic(Assembler assembler, Format format, int tokens) {
    super(assembler, tokens);
    this.format = format;
    this.scales = new Avx512Scales(assembler, format, SUPER_SCALE, SUPER_MINIMUM, SIGN);
  }

  /** Fills the registers that the tiles of a format find filled. */
  static void constants(Assembler a, Format format) {
    repeat(a, SIGN, 1 << 31);
    repeat(a, NIBBLE_MASK, 0x0F0F0F0F);
    switch (format.type()) {
      case Q5_0, Q5_1, Q5_K -> repeat(a, BITS_MASK, 0x10101010);
      case Q6_K -> repeat(a, BITS_MASK, 0x30303030);
      case Q8_0 -> repeat(a, BITS_MASK, 0x80808080);
      default -> {}
    }
    rows(a);
  }

  private static void repeat(Assembler a, Vector to, int value) {
    a.mov(Gp.RAX, value);
    a.vpbroadcastd(to, Gp.RAX);
  }

  private static Vector dot(int token) {
    return zmm(token);
  }

  @Override
  public void beginTile() {
    scales.beginTile();
  }

  @Override
  public void addBlock() {
    for (int plane = 0; plane < format.highPlanes(); plane++) {
      a.vmovdqu32(HIGH_BITS[plane], at(Registers.QUANTS, ROW_BYTES * plane));
    }
    for (int dot = 0; dot < format.dots(); dot++) {
      startDots(dot);
      switch (format.type()) {
        case Q8_0 -> addBytes();
        case Q6_K -> addHalf(dot);
        default -> addNibbles();
      }
      scale(dot);
    }
    if (format.hasMinimum()) {
      addMinimum();
    }
  }

  private void startDots(int dot) {
    for (int t = 0; t < tokens; t++) {
      if (format.zeroPoint() == 0) {
        a.vpxord(dot(t), dot(t), dot(t));
      } else {
        a.vpbroadcastd(
            dot(t), record(t, dot == 0 ? Parameters.CORRECTION : Parameters.SECOND, false));
      }
    }
  }

  private Memory record(int token, int offset, boolean broadcast) {
    int begin = Tier.AVX512_VNNI.recordBytes(format) * token;
    return new Memory(Registers.ACTIVATIONS, begin + offset, broadcast);
  }

  /** Adds four columns, from {@code column} on, to the dots of all tokens. */
  private void multiply(Vector weights, int column) {
    for (int t = 0; t < tokens; t++) {
      a.vpdpbusd(dot(t), weights, record(t, Parameters.RECORD_QUANTS + column, true));
    }
  }

  private void addNibbles() {
    for (int g = 0; g < 4; g++) {
      a.vmovdqu32(NIBBLES, at(Registers.QUANTS, ROW_BYTES * (format.highPlanes() + g)));
      low(LOW, 0, g);
      high(HIGH, 0, g);
      multiply(LOW, 4 * g);
      multiply(HIGH, 16 + 4 * g);
    }
  }

  /** One half of a block of Q6_K. */
  private void addHalf(int half) {
    for (int g = 0; g < 4; g++) {
      a.vmovdqu32(NIBBLES, at(Registers.QUANTS, ROW_BYTES * (format.highPlanes() + g)));
      if (half == 0) {
        low(LOW, 0, g);
        multiply(LOW, 4 * g);
      } else {
        high(LOW, 1, g);
        multiply(LOW, 16 + 4 * g);
      }
    }
  }

  private void low(Vector to, int plane, int group) {
    a.vpandd(to, NIBBLES, NIBBLE_MASK);
    addHighBits(to, plane, group);
  }

  private void high(Vector to, int plane, int group) {
    a.vpsrlw(to, NIBBLES, 4);
    a.vpandd(to, to, NIBBLE_MASK);
    addHighBits(to, plane, format.dots() == 1 ? 4 + group : group);
  }

  /** Bits above the nibbles: where they are in their byte depends on the columns. */
  private void addHighBits(Vector to, int plane, int group) {
    if (format.highPlanes() == 0) {
      return;
    }
    int left = format.dots() == 1 ? 4 - group : 4 - 2 * group;
    Vector bits = HIGH_BITS[plane];
    if (left > 0) {
      a.vpsllw(SHIFTED, bits, left);
      bits = SHIFTED;
    } else if (left < 0) {
      a.vpsrlw(SHIFTED, bits, -left);
      bits = SHIFTED;
    }
    a.vpternlogd(to, bits, BITS_MASK, OR_AND);
  }

  /** Q8_0: with the sign bit flipped, bytes are unsigned and 128 too large. */
  private void addBytes() {
    for (int g = 0; g < 8; g++) {
      a.vpxord(LOW, BITS_MASK, at(Registers.QUANTS, ROW_BYTES * g));
      multiply(LOW, 4 * g);
    }
  }

  private void scale(int dot) {
    scales.scale(SCALE, dot);
    for (int t = 0; t < tokens; t++) {
      a.vcvtdq2ps(dot(t), dot(t));
      a.vmulps(PRODUCT, SCALE, record(t, Parameters.SCALE, true));
      a.vfmadd231ps(sum(t), dot(t), PRODUCT);
    }
  }

  private void addMinimum() {
    scales.minimum(MINIMUM);
    for (int t = 0; t < tokens; t++) {
      a.vfmadd231ps(sum(t), MINIMUM, record(t, Parameters.SECOND, true));
    }
  }
}
