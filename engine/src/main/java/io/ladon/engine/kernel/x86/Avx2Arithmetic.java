package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

/**
 * AVX2: a register has 8 rows, so a block is done in two halves of 8 rows, each for all tokens.
 *
 * <p>{@code vpmaddubsw} multiplies four columns of each row with four activations and adds the
 * products in pairs, so a row has two 16-bit sums: of columns 0, 1 and of columns 2, 3 of each
 * four. Weights of 4 to 6 bits add up there without leaving 16 bits: 15 * 127 * 16 columns is less
 * than 2 ^ 15, and so are 16 * 127 * 16 and, for the half blocks of Q6_K, 32 * 127 * 8, when 16 and
 * 32 are subtracted from the quants. That subtraction is what the sums start at ({@link
 * Parameters#CORRECTION}, modulo 2 ^ 16). Bytes do not fit ({@link Avx2Bytes}).
 *
 * <p>Integer sums of 8 tokens fill half of the registers, so the float sums are in memory.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>ymm0-7</td><td>integer dots of each token</td></tr>
 *   <tr><td>ymm8, 9</td><td>weights of columns 4 g and 16 + 4 g; then the scale and what is multiplied with it</td></tr>
 *   <tr><td>ymm10</td><td>weights as stored; then the minimum</td></tr>
 *   <tr><td>ymm11</td><td>fifth and sixth bits</td></tr>
 *   <tr><td>ymm12</td><td>activations and products</td></tr>
 *   <tr><td>ymm13-15</td><td>constants: nibble mask, ones of 16 bits, mask of higher bits</td></tr>
 * </table>
 */
final class Avx2Arithmetic extends Avx2Sums {

  private static final Vector LOW = ymm(8);
  private static final Vector HIGH = ymm(9);
  private static final Vector STORED = ymm(10);
  private static final Vector HIGH_BITS = ymm(11);
  private static final Vector NIBBLE_MASK = ymm(13);
  private static final Vector ONES = ymm(14);
  private static final Vector BITS_MASK = ymm(15);

  private static final Vector SCALE = LOW;
  private static final Vector SUPER = HIGH;
  private static final Vector MINIMUM = STORED;

  private final Format format;

  Avx2Arithmetic(Assembler assembler, Format format, int tokens) {
    super(assembler, tokens);
    this.format = format;
  }

  /** Fills the registers that the tiles of a format find filled. */
  static void constants(Assembler a, Format format) {
    repeat(a, NIBBLE_MASK, 0x0F0F0F0F);
    repeat(a, ONES, 0x00010001);
    if (format.highPlanes() > 0) {
      repeat(a, BITS_MASK, format.highPlanes() == 1 ? 0x10101010 : 0x30303030);
    }
  }

  private static void repeat(Assembler a, Vector to, int value) {
    a.mov(Gp.RAX, value);
    a.vmovd(xmm(to.number()), Gp.RAX);
    a.vpbroadcastd(to, xmm(to.number()));
  }

  private static Vector dot(int token) {
    return ymm(token);
  }

  @Override
  public void beginTile() {
    if (format.isSuperBlock()) {
      a.mov(Registers.TILE_HEADER, Registers.HEADER);
      a.add(Registers.HEADER, format.tileHeader());
    }
  }

  @Override
  public void addBlock() {
    for (int half = 0; half < 2; half++) {
      for (int dot = 0; dot < format.dots(); dot++) {
        startDots(dot);
        if (format.highPlanes() > 0) {
          a.vmovdqu(HIGH_BITS, at(Registers.QUANTS, ROW_BYTES * dot + HALF * half));
        }
        if (format.dots() == 2) {
          addHalfBlock(half, dot);
        } else {
          addNibbles(half);
        }
        readScale(half, dot);
        if (format.hasMinimum()) {
          readMinimum(half);
        }
        for (int t = 0; t < tokens; t++) {
          addDot(t, half);
        }
      }
    }
  }

  private void startDots(int dot) {
    for (int t = 0; t < tokens; t++) {
      if (format.centre() == 0) {
        a.vpxor(dot(t), dot(t), dot(t));
      } else {
        a.vpbroadcastd(dot(t), record(t, dot == 0 ? Parameters.CORRECTION : Parameters.SECOND));
      }
    }
  }

  private Memory record(int token, int offset) {
    return at(Registers.ACTIVATIONS, Tier.AVX2.recordBytes(format) * token + offset);
  }

  private Memory activations(int token, int offset) {
    return record(token, Parameters.RECORD_QUANTS + offset);
  }

  private void addNibbles(int half) {
    for (int g = 0; g < 4; g++) {
      load(format.highPlanes() + g, half);
      low(LOW, g);
      high(HIGH, 4 + g);
      multiply(LOW, 4 * g);
      multiply(HIGH, 16 + 4 * g);
    }
  }

  /** Columns 0 to 15 or 16 to 31 of Q6_K, the low or the high nibbles. */
  private void addHalfBlock(int half, int dot) {
    for (int g = 0; g < 4; g++) {
      load(format.highPlanes() + g, half);
      if (dot == 0) {
        low(LOW, g);
      } else {
        high(LOW, g);
      }
      multiply(LOW, 16 * dot + 4 * g);
    }
  }

  private void load(int line, int half) {
    a.vmovdqu(STORED, at(Registers.QUANTS, ROW_BYTES * line + HALF * half));
  }

  private void low(Vector to, int group) {
    a.vpand(to, STORED, NIBBLE_MASK);
    addHighBits(to, group);
  }

  private void high(Vector to, int bitGroup) {
    a.vpsrlw(to, STORED, 4);
    a.vpand(to, to, NIBBLE_MASK);
    addHighBits(to, bitGroup);
  }

  /** Bits above the nibbles: where they are in their byte depends on the columns. */
  private void addHighBits(Vector to, int group) {
    if (format.highPlanes() == 0) {
      return;
    }
    int left = 4 - group * format.highPlanes();
    Vector bits = HIGH_BITS;
    if (left > 0) {
      a.vpsllw(X, bits, left);
      bits = X;
    } else if (left < 0) {
      a.vpsrlw(X, bits, -left);
      bits = X;
    }
    a.vpand(X, bits, BITS_MASK);
    a.vpor(to, to, X);
  }

  /** Adds four columns, from {@code column} on, to the 16-bit dots of all tokens. */
  private void multiply(Vector weights, int column) {
    for (int t = 0; t < tokens; t++) {
      a.vpbroadcastd(X, activations(t, column));
      a.vpmaddubsw(X, weights, X);
      a.vpaddw(dot(t), dot(t), X);
    }
  }

  private void readScale(int half, int dot) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(SCALE, at(Registers.HEADER, 16 * half));
      return;
    }
    if (format.dots() == 2) {
      a.vpmovsxbd(SCALE, at(Registers.HEADER, 16 * dot + 8 * half));
    } else {
      a.vpmovzxbd(SCALE, at(Registers.HEADER, 8 * half));
    }
    a.vcvtdq2ps(SCALE, SCALE);
    a.vcvtph2ps(SUPER, at(Registers.TILE_HEADER, 16 * half));
    a.vmulps(SCALE, SCALE, SUPER);
  }

  /** In super-blocks the minimum is what is subtracted. */
  private void readMinimum(int half) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(MINIMUM, at(Registers.HEADER, 32 + 16 * half));
      return;
    }
    a.vpmovzxbd(MINIMUM, at(Registers.HEADER, 16 + 8 * half));
    a.vcvtdq2ps(MINIMUM, MINIMUM);
    a.vcvtph2ps(SUPER, at(Registers.TILE_HEADER, 32 + 16 * half));
    a.vmulps(MINIMUM, MINIMUM, SUPER);
  }

  /** Adds a token's dot, scaled, to its sum. */
  private void addDot(int token, int half) {
    Vector dot = dot(token);
    a.vpmaddwd(dot, dot, ONES);
    if (format.hasOffset()) {
      a.vpbroadcastd(X, record(token, Parameters.OFFSET));
      a.vpaddd(dot, dot, X);
    }
    Memory sum = sum(token, half);
    a.vcvtdq2ps(dot, dot);
    a.vbroadcastss(X, record(token, Parameters.SCALE));
    a.vmulps(X, SCALE, X);
    a.vfmadd213ps(dot, X, sum);
    if (format.hasMinimum()) {
      a.vbroadcastss(X, record(token, Parameters.SECOND));
      if (format.isSuperBlock()) {
        a.vfnmadd231ps(dot, MINIMUM, X);
      } else {
        a.vfmadd231ps(dot, MINIMUM, X);
      }
    }
    a.vmovups(sum, dot);
  }
}
