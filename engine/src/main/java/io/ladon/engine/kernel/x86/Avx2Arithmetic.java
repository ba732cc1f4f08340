package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

/**
 * Registers of 8 rows: a block has two halves of 8 rows. Where tokens are few, both go together and
 * share each activation that is read, and weights are read in the order of memory; otherwise one
 * goes after the other, each for all tokens.
 *
 * <p>Integer sums of the tokens fill most of the registers, so the float sums are in memory.
 *
 * <p>Registers: integer dots of each token and half; ymm12 for activations and products; ymm13-15
 * are constants, as far as they are needed: nibble mask, ones of 16 bits, mask of higher bits or
 * sign. The others are given out by {@link #register}.
 */
abstract class Avx2Arithmetic extends Avx2Sums {

  private static final int REGISTERS = 16;

  private static final Vector NIBBLE_MASK = ymm(13);
  private static final Vector ONES = ymm(14);
  private static final Vector BITS_MASK = ymm(15);

  final Format format;
  private final Tier tier;

  /** Halves that go together: 1 or 2. */
  final int halves;

  /** Whether low and high nibbles are in registers of their own. */
  private final boolean apart;

  // Of each half.

  private final Vector[] low; // weights of columns 4 g; afterwards scale or minimum of the block
  private final Vector[] high; // weights of columns 16 + 4 g; the same if they come afterwards
  private final Vector[] highBits; // fifth and sixth bits of the block

  private int registers; // given out

  /**
   * @param tokens of the tile
   * @param halves 1 or 2 that go together
   */
  Avx2Arithmetic(Assembler assembler, Tier tier, Format format, int tokens, int halves) {
    super(assembler, tokens);
    this.tier = tier;
    this.format = format;
    this.halves = halves;
    this.registers = halves * tokens;
    this.low = ofHalves();
    this.apart = halves == 1 && format.hasNibbles() && format.dots() == 1;
    this.high = apart ? ofHalves() : low;
    this.highBits = format.highPlanes() > 0 ? ofHalves() : low;
  }

  private Vector[] ofHalves() {
    Vector[] vectors = new Vector[halves];
    for (int h = 0; h < halves; h++) {
      vectors[h] = register();
    }
    return vectors;
  }

  /** Gives out the next register that has no other use. */
  final Vector register() {
    while (ymm(registers).equals(X) || isConstant(ymm(registers))) {
      registers++;
    }
    if (registers == REGISTERS) {
      throw new IllegalStateException(
          halves + " halves x " + tokens + " tokens of " + format.type() + " want more registers");
    }
    return ymm(registers++);
  }

  private boolean isConstant(Vector register) {
    if (register.equals(NIBBLE_MASK)) {
      return format.hasNibbles();
    }
    if (register.equals(ONES)) {
      return tier.addsPairs();
    }
    return register.equals(BITS_MASK) && format.bitsMask() != 0;
  }

  /** Fills the registers that the tiles of a format find filled. */
  static void constants(Assembler a, Format format) {
    repeat(a, NIBBLE_MASK, 0x0F0F0F0F);
    repeat(a, ONES, 0x00010001);
    if (format.bitsMask() != 0) {
      repeat(a, BITS_MASK, format.bitsMask());
    }
  }

  private static void repeat(Assembler a, Vector to, int value) {
    a.mov(Gp.RAX, value);
    a.vmovd(xmm(to.number()), Gp.RAX);
    a.vpbroadcastd(to, xmm(to.number()));
  }

  /** Reads four columns of weights of 8 bits, of a format that has such. */
  abstract void readBytes(int half, Vector to, Memory from);

  /**
   * Adds the products of four columns of one half with a token's activations to its dot. After the
   * last half the activations are not needed any more.
   */
  abstract void multiply(Vector dot, int half, Vector weights, Vector activations);

  /** Makes a dot one number of 32 bits, where it is not. */
  void finishDot(Vector dot, int token) {}

  /** Ones of 16 bits, if dots are added up in pairs. */
  final Vector ones() {
    return ONES;
  }

  /** The sign bits of bytes, of a format that has such. */
  final Vector signs() {
    return BITS_MASK;
  }

  private Vector dot(int token, int half) {
    return ymm(halves * token + half);
  }

  final Memory record(int token, int offset) {
    return at(Registers.ACTIVATIONS, format.recordBytes() * token + offset);
  }

  @Override
  public final void beginTile() {
    if (format.isSuperBlock()) {
      a.mov(Registers.TILE_HEADER, Registers.HEADER);
      a.add(Registers.HEADER, format.tileHeader());
    }
  }

  @Override
  public final void addBlock() {
    for (int first = 0; first < 2; first += halves) {
      for (int dot = 0; dot < format.dots(); dot++) {
        startDots(dot);
        for (int h = 0; h < halves && format.highPlanes() > 0; h++) {
          a.vmovdqu(highBits[h], quants(dot, first + h));
        }
        if (!format.hasNibbles()) {
          addBytes(first);
        } else if (format.dots() == 2) {
          addHalfBlock(first, dot);
        } else {
          addNibbles(first);
        }
        scale(first, dot);
      }
    }
  }

  private void startDots(int dot) {
    boolean atZero = (tier.addsPairs() ? format.centre() : format.zeroPoint()) == 0;
    for (int t = 0; t < tokens; t++) {
      for (int h = 0; h < halves; h++) {
        if (atZero) {
          a.vpxor(dot(t, h), dot(t, h), dot(t, h));
        } else {
          a.vpbroadcastd(
              dot(t, h), record(t, dot == 0 ? Parameters.CORRECTION : Parameters.SECOND));
        }
      }
    }
  }

  /** Nibbles are read once; twice where registers are too few for the low and the high ones. */
  private void addNibbles(int first) {
    for (int g = 0; g < 4; g++) {
      low(first, g);
      if (apart) {
        high(first, g, 4 + g);
        multiply(low, 4 * g);
      } else {
        multiply(low, 4 * g);
        high(first, g, 4 + g);
      }
      multiply(high, 16 + 4 * g);
    }
  }

  /** Columns 0 to 15 or 16 to 31 of Q6_K, the low or the high nibbles. */
  private void addHalfBlock(int first, int dot) {
    for (int g = 0; g < 4; g++) {
      if (dot == 0) {
        low(first, g);
      } else {
        high(first, g, g);
      }
      multiply(low, 16 * dot + 4 * g);
    }
  }

  private void addBytes(int first) {
    for (int g = 0; g < 8; g++) {
      for (int h = 0; h < halves; h++) {
        readBytes(h, low[h], quants(g, first + h));
      }
      multiply(low, 4 * g);
    }
  }

  /** Half of 64 bytes of a block's quants. */
  private static Memory quants(int line, int half) {
    return at(Registers.QUANTS, ROW_BYTES * line + HALF * half);
  }

  private void load(int h, int first, int group) {
    a.vmovdqu(high[h], quants(format.highPlanes() + group, first + h));
  }

  private void low(int first, int group) {
    for (int h = 0; h < halves; h++) {
      load(h, first, group);
      a.vpand(low[h], high[h], NIBBLE_MASK);
      addHighBits(low[h], h, group);
    }
  }

  /** Where they are apart, of the group whose low ones were read last. */
  private void high(int first, int group, int bitGroup) {
    for (int h = 0; h < halves; h++) {
      if (!apart) {
        load(h, first, group);
      }
      a.vpsrlw(high[h], high[h], 4);
      a.vpand(high[h], high[h], NIBBLE_MASK);
      addHighBits(high[h], h, bitGroup);
    }
  }

  /** Bits above the nibbles: where they are in their byte depends on the columns. */
  private void addHighBits(Vector to, int half, int group) {
    if (format.highPlanes() == 0) {
      return;
    }
    int left = 4 - group * format.highPlanes();
    Vector bits = highBits[half];
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

  /** Adds four columns, from {@code column} on, to the dots of all tokens. */
  private void multiply(Vector[] weights, int column) {
    for (int t = 0; t < tokens; t++) {
      a.vpbroadcastd(X, record(t, Parameters.RECORD_QUANTS + column));
      for (int h = 0; h < halves; h++) {
        multiply(dot(t, h), h, weights[h], X);
      }
    }
  }

  /** Adds the dots, scaled, to the sums. */
  private void scale(int first, int dot) {
    for (int h = 0; h < halves; h++) {
      readScale(low[h], first + h, dot);
      for (int t = 0; t < tokens; t++) {
        finishDot(dot(t, h), t);
        a.vcvtdq2ps(dot(t, h), dot(t, h));
        a.vbroadcastss(X, record(t, Parameters.SCALE));
        a.vmulps(X, low[h], X);
        a.vfmadd213ps(dot(t, h), X, sum(t, first + h));
      }
    }
    for (int h = 0; h < halves && format.hasMinimum(); h++) {
      addMinimum(first, h);
    }
    for (int t = 0; t < tokens; t++) {
      for (int h = 0; h < halves; h++) {
        a.vmovups(sum(t, first + h), dot(t, h));
      }
    }
  }

  private void readScale(Vector to, int half, int dot) {
    if (!format.isSuperBlock()) {
      a.vcvtph2ps(to, at(Registers.HEADER, 16 * half));
      return;
    }
    if (format.dots() == 2) {
      a.vpmovsxbd(to, at(Registers.HEADER, 16 * dot + 8 * half));
    } else {
      a.vpmovzxbd(to, at(Registers.HEADER, 8 * half));
    }
    a.vcvtdq2ps(to, to);
    a.vcvtph2ps(X, at(Registers.TILE_HEADER, 16 * half));
    a.vmulps(to, to, X);
  }

  /** Of a half; in super-blocks the minimum is what is subtracted. */
  private void addMinimum(int first, int h) {
    Vector minimum = low[h];
    if (format.isSuperBlock()) {
      a.vpmovzxbd(minimum, at(Registers.HEADER, 16 + 8 * (first + h)));
      a.vcvtdq2ps(minimum, minimum);
      a.vcvtph2ps(X, at(Registers.TILE_HEADER, 32 + 16 * (first + h)));
      a.vmulps(minimum, minimum, X);
    } else {
      a.vcvtph2ps(minimum, at(Registers.HEADER, 32 + 16 * (first + h)));
    }
    for (int t = 0; t < tokens; t++) {
      a.vbroadcastss(X, record(t, Parameters.SECOND));
      if (format.isSuperBlock()) {
        a.vfnmadd231ps(dot(t, h), minimum, X);
      } else {
        a.vfmadd231ps(dot(t, h), minimum, X);
      }
    }
  }
}
