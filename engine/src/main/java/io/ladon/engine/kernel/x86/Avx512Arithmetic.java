package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.checkpoint.TensorType;

/**
 * AVX-512 with VNNI: a register has 16 rows, and {@code vpdpbusd} multiplies four columns of each
 * with four activations of one token. Each token has a chain of its own, so that from four tokens
 * on the CPU need not wait for a product.
 *
 * <p>For one panel the activations of every product are read from memory, broadcast. A CPU that
 * starts two products a cycle reads no more than two operands a cycle, and there is more to be read
 * than these; so where tokens are many, two panels go together and share what is read. Unless it
 * starts no more than two vector instructions a cycle of any kind, as Intel's do with registers of
 * 512 bits: there it counts that weights, once unpacked, serve as many tokens as registers have
 * room for.
 *
 * <p>Registers: integer dots of each token and panel, which start at the correction for the zero
 * point; as many sums ({@link Avx512Sums}); zmm29-31 are constants, as far as the format needs
 * them: sign of floats, nibble mask, mask of higher bits or sign. The others are given out by
 * {@link #register}.
 */
final class Avx512Arithmetic extends Avx512Sums {

  private static final int REGISTERS = 32;

  private static final Vector SIGN = zmm(29);
  private static final Vector NIBBLE_MASK = zmm(30);
  private static final Vector BITS_MASK = zmm(31);

  /** Of {@link Assembler#vpternlogd}: {@code to | left & right}. */
  static final int OR_AND = 0xF8;

  private final Format format;
  private final Avx512Scales[] scales;

  // Of each panel.

  private final Vector[] low; // weights of columns 4 g; afterwards scale or minimum of the block
  private final Vector[] high; // nibbles, and weights of columns 16 + 4 g
  private final Vector[][] highBits; // fifth and sixth bits of the block

  private final Vector repeated; // activations or scale of a token, in all lanes
  private final Vector moved; // higher bits on their way; product of the scales

  private int registers; // given out

  /**
   * @param tokens of the tile
   * @param panels 1, or 2 that go together
   */
  Avx512Arithmetic(Assembler assembler, Format format, int tokens, int panels) {
    super(assembler, tokens, panels);
    this.format = format;
    this.registers = 2 * panels * tokens;
    this.low = ofPanels();
    this.high = format.hasNibbles() ? ofPanels() : low;
    this.highBits = new Vector[format.highPlanes()][];
    for (int plane = 0; plane < highBits.length; plane++) {
      highBits[plane] = ofPanels();
    }
    this.repeated = panels == 1 ? low[0] : register();
    this.moved = register();
    this.scales = new Avx512Scales[panels];
    Vector[] superScale = format.isSuperBlock() ? ofPanels() : low;
    Vector[] superMinimum = format.isSuperBlock() && format.hasMinimum() ? ofPanels() : low;
    for (int p = 0; p < panels; p++) {
      scales[p] =
          new Avx512Scales(a, format, Registers.HEADERS[p], superScale[p], superMinimum[p], SIGN);
    }
  }

  /**
   * Tokens of a tile at most for which two panels go together, which is what the registers have
   * room for; 0 if none do.
   */
  static int pairTokens(Format format) {
    return switch (format.type()) {
      case Q4_0, Q4_1, Q8_0 -> 6;
      case Q5_0, Q5_1, Q4_K -> 5;
      case Q5_K, Q6_K -> 4;
      case F32, F16, BF16 -> 0;
    };
  }

  /**
   * Tokens of a tile at most where no panels go together: what the registers have room for in the
   * formats that want most of them. Some have room for 14, which was no quicker than 12.
   */
  static int tallTokens(Format format) {
    return format.type() == TensorType.Q5_K ? 11 : 12;
  }

  private Vector[] ofPanels() {
    Vector[] vectors = new Vector[panels];
    for (int p = 0; p < panels; p++) {
      vectors[p] = register();
    }
    return vectors;
  }

  /** Gives out the next register that is no constant of the format. */
  private Vector register() {
    while (isConstant(zmm(registers))) {
      registers++;
    }
    if (registers == REGISTERS) {
      throw new IllegalStateException(
          panels + " panels x " + tokens + " tokens of " + format.type() + " want more registers");
    }
    return zmm(registers++);
  }

  private boolean isConstant(Vector register) {
    if (register.equals(SIGN)) {
      return format.isSuperBlock() && format.hasMinimum();
    }
    if (register.equals(NIBBLE_MASK)) {
      return format.hasNibbles();
    }
    return register.equals(BITS_MASK) && format.bitsMask() != 0;
  }

  /** Fills the registers that the tiles of a format find filled. */
  static void constants(Assembler a, Format format) {
    a.repeat(SIGN, 1 << 31);
    a.repeat(NIBBLE_MASK, 0x0F0F0F0F);
    if (format.bitsMask() != 0) {
      a.repeat(BITS_MASK, format.bitsMask());
    }
    rows(a);
  }

  private Vector dot(int panel, int token) {
    return zmm(panels * token + panel);
  }

  @Override
  public void beginTile() {
    for (Avx512Scales each : scales) {
      each.beginTile();
    }
  }

  @Override
  public void addBlock() {
    for (int plane = 0; plane < format.highPlanes(); plane++) {
      for (int p = 0; p < panels; p++) {
        a.vmovdqu32(highBits[plane][p], quants(p, plane));
      }
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
    int correction = Parameters.correction(dot);
    each(
        (p, t) -> {
          if (format.zeroPoint() == 0) {
            a.vpxord(dot(p, t), dot(p, t), dot(p, t));
          } else {
            a.vpbroadcastd(dot(p, t), record(t, correction, false));
          }
        });
  }

  /** 64 bytes of a block's quants. */
  private static Memory quants(int panel, int register) {
    return at(Registers.QUANTS_OF[panel], ROW_BYTES * register);
  }

  private Memory record(int token, int offset, boolean broadcast) {
    int begin = format.recordBytes() * token;
    return new Memory(Registers.ACTIVATIONS, begin + offset, broadcast);
  }

  /** Four bytes of a token's record, repeated: read once for all panels, if these are a pair. */
  private Operand repeated(int token, int offset) {
    if (panels == 1) {
      return record(token, offset, true);
    }
    a.vpbroadcastd(repeated, record(token, offset, false));
    return repeated;
  }

  /** Adds four columns, from {@code column} on, to the dots of all tokens. */
  private void multiply(Vector[] weights, int column) {
    for (int t = 0; t < tokens; t++) {
      Operand activations = repeated(t, Parameters.RECORD_QUANTS + column);
      for (int p = 0; p < panels; p++) {
        a.vpdpbusd(dot(p, t), weights[p], activations);
      }
    }
  }

  private void addNibbles() {
    for (int g = 0; g < 4; g++) {
      for (int p = 0; p < panels; p++) {
        a.vmovdqu32(high[p], quants(p, format.highPlanes() + g));
        low(p, 0, g);
        high(p, 0, g);
      }
      multiply(low, 4 * g);
      multiply(high, 16 + 4 * g);
    }
  }

  /** One half of a block of Q6_K. */
  private void addHalf(int half) {
    for (int g = 0; g < 4; g++) {
      for (int p = 0; p < panels; p++) {
        a.vmovdqu32(high[p], quants(p, format.highPlanes() + g));
        if (half == 0) {
          low(p, 0, g);
        } else {
          high(p, 1, g);
        }
      }
      multiply(half == 0 ? low : high, 16 * half + 4 * g);
    }
  }

  /** Of the nibbles in {@link #high}. */
  private void low(int panel, int plane, int group) {
    a.vpandd(low[panel], high[panel], NIBBLE_MASK);
    addHighBits(low[panel], panel, plane, group);
  }

  /** In place of the nibbles. */
  private void high(int panel, int plane, int group) {
    Vector to = high[panel];
    a.vpsrlw(to, to, 4);
    a.vpandd(to, to, NIBBLE_MASK);
    addHighBits(to, panel, plane, format.dots() == 1 ? 4 + group : group);
  }

  /** Bits above the nibbles: where they are in their byte depends on the columns. */
  private void addHighBits(Vector to, int panel, int plane, int group) {
    if (format.highPlanes() == 0) {
      return;
    }
    int left = format.dots() == 1 ? 4 - group : 4 - 2 * group;
    Vector bits = highBits[plane][panel];
    Vector placed = left == 0 ? bits : moved;
    if (left > 0) {
      a.vpsllw(placed, bits, left);
    } else if (left < 0) {
      a.vpsrlw(placed, bits, -left);
    }
    a.vpternlogd(to, placed, BITS_MASK, OR_AND);
  }

  /** Q8_0: with the sign bit flipped, bytes are unsigned and 128 too large. */
  private void addBytes() {
    for (int g = 0; g < 8; g++) {
      for (int p = 0; p < panels; p++) {
        a.vpxord(low[p], BITS_MASK, quants(p, g));
      }
      multiply(low, 4 * g);
    }
  }

  private void scale(int dot) {
    for (int p = 0; p < panels; p++) {
      scales[p].scale(low[p], dot);
    }
    for (int t = 0; t < tokens; t++) {
      Operand scale = repeated(t, Parameters.SCALE);
      for (int p = 0; p < panels; p++) {
        a.vcvtdq2ps(dot(p, t), dot(p, t));
        a.vmulps(moved, low[p], scale);
        a.vfmadd231ps(sum(p, t), dot(p, t), moved);
      }
    }
  }

  private void addMinimum() {
    for (int p = 0; p < panels; p++) {
      scales[p].minimum(low[p]);
    }
    for (int t = 0; t < tokens; t++) {
      Operand scaledSum = repeated(t, Parameters.SECOND);
      for (int p = 0; p < panels; p++) {
        a.vfmadd231ps(sum(p, t), low[p], scaledSum);
      }
    }
  }
}
