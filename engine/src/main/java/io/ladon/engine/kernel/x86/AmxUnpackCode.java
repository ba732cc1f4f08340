package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.checkpoint.TensorType;

/**
 * Unpacks blocks of weights for {@link AmxTileCode}: for each dot 16 rows of 16 pairs of bfloat16,
 * then a line of scales, and a line of minima if the format has them. Bfloat16 holds every quant
 * exactly.
 *
 * <p>Packed weights are units of 16 rows x 4 columns. In the low bytes of a unit's 16-bit lanes are
 * columns 0 and 2, in the high bytes 1 and 3: these are the pairs, so nothing moves between lanes.
 * Row {@code 4 g + 2 h + p} of a tile has nibble {@code h} of byte {@code p} of unit {@code g}.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>r9</td><td>where the block goes</td></tr>
 *   <tr><td>zmm0-7</td><td>on their way</td></tr>
 *   <tr><td>zmm8, 9</td><td>fifth and sixth bits of the block</td></tr>
 *   <tr><td>zmm10, 11</td><td>scale and negated minimum of the super-block</td></tr>
 *   <tr><td>zmm20-29</td><td>constants, which {@link AmxTileCode} leaves alone</td></tr>
 * </table>
 */
final class AmxUnpackCode {

  /** Where the block goes. */
  static final Gp TARGET = Gp.R9;

  /** Entries of a table: one for each value of up to 6 bits. */
  static final int TABLE_ENTRIES = 64;

  static final int TILE = Format.ROWS * AmxParameters.LINE;

  private static final Vector NIBBLES = zmm(0);
  private static final Vector SCALE = zmm(1);
  private static final Vector ZERO = zmm(2);
  private static final Vector[] PLACES = {zmm(3), zmm(4), zmm(5), zmm(6)};
  private static final Vector BITS = zmm(7);
  private static final Vector[] HIGH_BITS = {zmm(8), zmm(9)};
  private static final Vector SUPER_SCALE = zmm(10);
  private static final Vector SUPER_MINIMUM = zmm(11);

  private static final Vector TABLE = zmm(20);
  private static final Vector TABLE_NEXT = zmm(21);
  private static final Vector NIBBLE_MASK = zmm(22);
  private static final Vector SIGN = zmm(23);

  // Of Q8_0.
  private static final Vector BYTE = zmm(20);
  private static final Vector SECOND_BYTE = zmm(21);
  private static final Vector MAGIC = zmm(22);
  private static final Vector SECOND_MAGIC = zmm(23);
  private static final Vector EXCESS = zmm(24);
  private static final Vector SECOND_EXCESS = zmm(25);
  private static final Vector SECOND_FACTOR = zmm(26);
  private static final Vector UPPER = zmm(27);

  /** Of {@code vpternlogd}: {@code right ? left : to}. */
  private static final int LEFT_WHERE = 0xD8;

  /** Of {@code vpternlogd}: {@code right ? to : left}. */
  private static final int LEFT_ELSEWHERE = 0xE4;

  /** A float32 from 2^23 on has whole numbers as its lowest bits. */
  private static final float WHOLE = 1 << 23;

  private final Assembler a;
  private final Format format;
  private final Avx512Scales scales;

  AmxUnpackCode(Assembler assembler, Format format) {
    this.a = assembler;
    this.format = format;
    this.scales =
        new Avx512Scales(assembler, format, Registers.HEADER, SUPER_SCALE, SUPER_MINIMUM, SIGN);
  }

  /** Bytes of an unpacked block. */
  static int blockBytes(Format format) {
    return format.dots() * dotBytes(format);
  }

  /** Bytes from one dot of unpacked blocks to the next. */
  static int dotBytes(Format format) {
    return TILE + AmxParameters.LINE * (format.hasMinimum() ? 2 : 1);
  }

  /** Puts the table of {@link AmxParameters#TABLE} here. */
  void emitTable() {
    for (int entry = 0; entry < TABLE_ENTRIES; entry += 2) {
      a.code().putInt(bfloat16(entry) | bfloat16(entry + 1) << 16);
    }
  }

  private int bfloat16(int quant) {
    return Float.floatToRawIntBits(quant - format.zeroPoint()) >>> 16;
  }

  /** Fills the registers of constants. */
  void constants() {
    if (format.type() == TensorType.Q8_0) {
      a.repeat(BYTE, 0xFF);
      a.repeat(SECOND_BYTE, 0xFF00);
      // With its sign bit flipped, a byte is unsigned and 128 too large.
      a.repeat(MAGIC, Float.floatToRawIntBits(WHOLE) | 0x80);
      a.repeat(SECOND_MAGIC, Float.floatToRawIntBits(WHOLE) | 0x8000);
      a.repeat(EXCESS, Float.floatToRawIntBits(WHOLE + 128));
      a.repeat(SECOND_EXCESS, Float.floatToRawIntBits(-WHOLE / 256 - 128));
      a.repeat(SECOND_FACTOR, Float.floatToRawIntBits(1f / 256));
      a.repeat(UPPER, 0xFFFF0000);
      return;
    }
    a.mov(Gp.RAX, at(Registers.PARAMETERS, AmxParameters.TABLE));
    a.vmovups(TABLE, at(Gp.RAX, 0));
    a.vmovups(TABLE_NEXT, at(Gp.RAX, 64));
    a.repeat(NIBBLE_MASK, 0x000F000F);
    a.repeat(SIGN, 1 << 31);
  }

  /** Reads what a tile's header says once, at {@link Registers#HEADER}. */
  void beginTile() {
    scales.beginTile();
  }

  /** Unpacks the block at {@link Registers#QUANTS}. */
  void emitBlock() {
    switch (format.type()) {
      case Q8_0 -> emitBytes();
      default -> emitNibbles();
    }
    for (int dot = 0; dot < format.dots(); dot++) {
      emitScale(dot);
    }
    if (format.hasMinimum()) {
      emitMinimum();
    }
  }

  private void emitNibbles() {
    for (int plane = 0; plane < format.highPlanes(); plane++) {
      a.vmovdqu32(HIGH_BITS[plane], at(Registers.QUANTS, 64 * plane));
    }
    if (format.dots() == 2) {
      a.vpxord(ZERO, ZERO, ZERO);
    }
    for (int unit = 0; unit < 4; unit++) {
      a.vmovdqu32(NIBBLES, at(Registers.QUANTS, 64 * (format.highPlanes() + unit)));
      for (int half = 0; half < 2; half++) {
        for (int odd = 0; odd < 2; odd++) {
          emitPairs(unit, half, odd);
        }
      }
    }
  }

  /** One row of a tile: see this class. */
  private void emitPairs(int unit, int half, int odd) {
    Vector to = PLACES[2 * half + odd];
    int shift = 4 * half + 8 * odd;
    int row = AmxParameters.LINE * (4 * unit + 2 * half + odd);
    if (format.highPlanes() == 0) {
      emitShifted(to, NIBBLES, shift);
      if (shift < 12) {
        a.vpandd(to, shift == 0 ? NIBBLES : to, NIBBLE_MASK);
      }
      a.vpermw(to, to, TABLE);
      a.vmovups(at(TARGET, row), to);
    } else if (format.dots() == 1) {
      Vector places = emitPlaces(to, shift, HIGH_BITS[0], unit + 4 * half + 8 * odd);
      a.vpermw(to, places, TABLE);
      a.vmovups(at(TARGET, row), to);
    } else {
      // Each half is a dot of its own: where the other's columns are, its weights are zero.
      Vector places = emitPlaces(to, shift, HIGH_BITS[half], 2 * unit + 8 * odd);
      a.vpermi2w(places, TABLE, TABLE_NEXT);
      a.vmovups(at(TARGET, dotBytes(format) * half + row), places);
      a.vmovups(at(TARGET, dotBytes(format) * (1 - half) + row), ZERO);
    }
  }

  /**
   * Puts nibbles and the bits above them together. What is above these is not zero; the tables'
   * instructions do not look at it.
   *
   * @param bit of a 16-bit lane of {@code high} that belongs to bit 4
   * @return where they are
   */
  private Vector emitPlaces(Vector to, int shift, Vector high, int bit) {
    emitShifted(to, NIBBLES, shift);
    if (bit == 4) {
      if (shift == 0) {
        a.vpandd(to, NIBBLES, NIBBLE_MASK); // only to have a copy
      }
      a.vpternlogd(to, high, NIBBLE_MASK, LEFT_ELSEWHERE);
      return to;
    }
    if (bit < 4) {
      a.vpsllw(BITS, high, 4 - bit);
    } else {
      a.vpsrlw(BITS, high, bit - 4);
    }
    a.vpternlogd(BITS, shift == 0 ? NIBBLES : to, NIBBLE_MASK, LEFT_WHERE);
    return BITS;
  }

  private void emitShifted(Vector to, Vector from, int shift) {
    if (shift > 0) {
      a.vpsrlw(to, from, shift);
    }
  }

  /** Q8_0: units 4 to 7 have columns 16 to 31. */
  private void emitBytes() {
    for (int unit = 0; unit < 8; unit++) {
      Vector upper = PLACES[3];
      a.vmovdqu32(NIBBLES, at(Registers.QUANTS, 64 * unit));
      a.vpsrld(upper, NIBBLES, 16);
      int row = AmxParameters.LINE * (4 * (unit % 4) + 2 * (unit / 4));
      emitByte(PLACES[0], NIBBLES);
      emitByte(PLACES[1], upper);
      emitPair(row);
      emitSecondByte(PLACES[0], NIBBLES);
      emitSecondByte(PLACES[1], upper);
      emitPair(row + AmxParameters.LINE);
    }
  }

  private void emitByte(Vector to, Vector from) {
    a.vpandd(to, from, BYTE);
    a.vpxord(to, to, MAGIC);
    a.vsubps(to, to, EXCESS);
  }

  private void emitSecondByte(Vector to, Vector from) {
    a.vpandd(to, from, SECOND_BYTE);
    a.vpxord(to, to, SECOND_MAGIC);
    a.vfmadd213ps(to, SECOND_FACTOR, SECOND_EXCESS);
  }

  private void emitPair(int row) {
    a.vpsrld(PLACES[0], PLACES[0], 16);
    a.vpternlogd(PLACES[0], PLACES[1], UPPER, Avx512Arithmetic.OR_AND);
    a.vmovups(at(TARGET, row), PLACES[0]);
  }

  private void emitScale(int dot) {
    scales.scale(SCALE, dot);
    a.vmovups(at(TARGET, dotBytes(format) * dot + TILE), SCALE);
  }

  private void emitMinimum() {
    scales.minimum(SCALE);
    a.vmovups(at(TARGET, TILE + AmxParameters.LINE), SCALE);
  }
}
