package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import java.util.Arrays;

/**
 * Registers of 8 rows: a block has two halves of 8 rows. Where tokens are few, both go together and
 * share each activation that is read, and weights are read in the order of memory; otherwise one
 * goes after the other, each for all tokens.
 *
 * <p>Registers: integer dots of each token and half; ymm12 for activations and products; ymm13-15
 * are constants, as far as they are needed: nibble mask, ones of 16 bits, mask of higher bits or
 * sign. The others are given out by {@link #register}. What is left of them has high nibbles apart
 * from low ones, and then the float sums, which are in memory otherwise.
 */
abstract class Avx2Arithmetic extends Avx2Sums {

  private static final int REGISTERS = 16;

  private static final Vector ONES = ymm(14);

  private final Tier tier;
  private final Avx2Nibbles nibbles;
  private final Avx2Scales scales;

  /** Halves that go together: 1 or 2. */
  final int halves;

  /** Whether low and high nibbles are in registers of their own. */
  private final boolean apart;

  // Of each half.

  private final Vector[] low; // weights of columns 4 g; afterwards scale or minimum of the block
  private final Vector[] high; // weights of columns 16 + 4 g; the same if they come afterwards
  private final Vector[] highBits; // fifth and sixth bits of the block

  /** Where each half's products go: what is not needed any more after the last half. */
  final Vector[] products;

  private int registers; // given out

  /**
   * @param tokens of the tile
   * @param halves 1 or 2 that go together
   * @param others registers that a subclass asks for
   */
  Avx2Arithmetic(
      Assembler assembler, Tier tier, Format format, int tokens, int halves, int others) {
    super(assembler, format, tokens);
    this.tier = tier;
    this.nibbles = new Avx2Nibbles(assembler, format, X);
    this.scales = new Avx2Scales(assembler, format, X);
    this.halves = halves;
    this.registers = halves * tokens;
    this.low = ofHalves();
    this.highBits = format.highPlanes() > 0 ? ofHalves() : low;
    this.products = new Vector[halves];
    Arrays.fill(products, X);
    if (halves == 2 && tier.addsPairs()) {
      products[0] = register();
    }
    this.apart = format.hasNibbles() && format.dots() == 1 && others + halves <= freeRegisters();
    this.high = apart ? ofHalves() : low;
    if (halves == 2 && others + 2 * tokens <= freeRegisters()) {
      keepSums(this::register);
    }
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
    while (isTaken(registers)) {
      registers++;
    }
    if (registers == REGISTERS) {
      throw new IllegalStateException(
          halves + " halves x " + tokens + " tokens of " + format.type() + " want more registers");
    }
    return ymm(registers++);
  }

  private int freeRegisters() {
    int free = 0;
    for (int number = registers; number < REGISTERS; number++) {
      free += isTaken(number) ? 0 : 1;
    }
    return free;
  }

  private boolean isTaken(int number) {
    Vector register = ymm(number);
    if (register.equals(Avx2Nibbles.MASK)) {
      return format.hasNibbles();
    }
    if (register.equals(ONES)) {
      return tier.addsPairs();
    }
    if (register.equals(Avx2Nibbles.BITS_MASK)) {
      return format.bitsMask() != 0;
    }
    return register.equals(X);
  }

  /** Fills the registers that the tiles of a format find filled. */
  static void constants(Assembler a, Format format) {
    a.repeat(Avx2Nibbles.MASK, 0x0F0F0F0F);
    a.repeat(ONES, 0x00010001);
    if (format.bitsMask() != 0) {
      a.repeat(Avx2Nibbles.BITS_MASK, format.bitsMask());
    }
  }

  /** Reads four columns of weights of 8 bits, of a format that has such. */
  abstract void readBytes(int half, Vector to, Memory from);

  /** What dots start at, where they do not start with the first products. */
  void startDot(Vector dot, int token, int index) {}

  /**
   * Adds the products of four columns of one half with a token's activations to its dot. After the
   * last half the activations are not needed any more.
   *
   * @param first whether these are the dot's first
   */
  abstract void multiply(Vector dot, int half, Vector weights, Vector activations, boolean first);

  /**
   * Makes a token's dots, one of each half, numbers of 32 bits, where they are not.
   *
   * @param index of the block's dots
   */
  void finishDots(Vector[] dots, int token, int index) {}

  /** Ones of 16 bits, if dots are added up in pairs. */
  final Vector ones() {
    return ONES;
  }

  /** The sign bits of bytes, of a format that has such. */
  final Vector signs() {
    return Avx2Nibbles.BITS_MASK;
  }

  private Vector[] dots(int token) {
    Vector[] dots = new Vector[halves];
    for (int h = 0; h < halves; h++) {
      dots[h] = ymm(halves * token + h);
    }
    return dots;
  }

  @Override
  public final void beginTile() {
    scales.beginTile();
  }

  @Override
  public final void addBlock() {
    for (int first = 0; first < 2; first += halves) {
      for (int dot = 0; dot < format.dots(); dot++) {
        for (int t = 0; t < tokens; t++) {
          for (Vector each : dots(t)) {
            startDot(each, t, dot);
          }
        }
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

  /** Nibbles are read once; twice where registers are too few for the low and the high ones. */
  private void addNibbles(int first) {
    for (int g = 0; g < 4; g++) {
      low(first, g);
      if (apart) {
        high(first, g);
        multiply(low, 4 * g, g == 0);
      } else {
        multiply(low, 4 * g, g == 0);
        high(first, g);
      }
      multiply(high, 16 + 4 * g, false);
    }
  }

  /** Columns 0 to 15 or 16 to 31 of Q6_K, the low or the high nibbles. */
  private void addHalfBlock(int first, int dot) {
    for (int g = 0; g < 4; g++) {
      if (dot == 0) {
        low(first, g);
      } else {
        high(first, g);
      }
      multiply(low, 16 * dot + 4 * g, g == 0);
    }
  }

  private void addBytes(int first) {
    for (int g = 0; g < 8; g++) {
      for (int h = 0; h < halves; h++) {
        readBytes(h, low[h], quants(g, first + h));
      }
      multiply(low, 4 * g, g == 0);
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
      nibbles.low(low[h], high[h], highBits[h], group);
    }
  }

  /** Where they are apart, of the group whose low ones were read last. */
  private void high(int first, int group) {
    for (int h = 0; h < halves; h++) {
      if (!apart) {
        load(h, first, group);
      }
      nibbles.high(high[h], high[h], highBits[h], group);
    }
  }

  /** Adds four columns, from {@code column} on, to the dots of all tokens. */
  private void multiply(Vector[] weights, int column, boolean first) {
    for (int t = 0; t < tokens; t++) {
      a.vpbroadcastd(X, record(t, Parameters.RECORD_QUANTS + column));
      Vector[] dots = dots(t);
      for (int h = 0; h < halves; h++) {
        multiply(dots[h], h, weights[h], X, first);
      }
    }
  }

  /** Adds the dots, scaled, to the sums. */
  private void scale(int first, int dot) {
    for (int h = 0; h < halves; h++) {
      scales.scale(low[h], first + h, dot);
    }
    for (int t = 0; t < tokens; t++) {
      Vector[] dots = dots(t);
      finishDots(dots, t, dot);
      for (int h = 0; h < halves; h++) {
        a.vcvtdq2ps(dots[h], dots[h]);
        if (h == 0 || products[0].equals(X)) {
          a.vbroadcastss(X, record(t, Parameters.SCALE));
        }
        a.vmulps(products[h], low[h], X);
        addProduct(t, first + h, dots[h], products[h]);
      }
    }
    if (format.hasMinimum()) {
      addMinimum(first);
    }
    storeSums(first);
  }

  private void addMinimum(int first) {
    for (int h = 0; h < halves; h++) {
      scales.minimum(low[h], first + h);
    }
    for (int t = 0; t < tokens; t++) {
      a.vbroadcastss(X, record(t, Parameters.SECOND));
      for (int h = 0; h < halves; h++) {
        Vector to = keepsSums() ? sumRegister(t, h) : dots(t)[h];
        scales.addMinimum(to, low[h], X);
      }
    }
  }

  /** What dots were added to, if that is not where sums are. */
  private void storeSums(int first) {
    for (int t = 0; t < tokens && !keepsSums(); t++) {
      for (int h = 0; h < halves; h++) {
        a.vmovups(sum(t, first + h), dots(t)[h]);
      }
    }
  }

  /** Adds the product of a scale and a dot to a sum, or a sum to it in the dot. */
  private void addProduct(int token, int half, Vector dot, Vector scale) {
    if (keepsSums()) {
      a.vfmadd231ps(sumRegister(token, half), dot, scale);
    } else {
      a.vfmadd213ps(dot, scale, sum(token, half));
    }
  }
}
