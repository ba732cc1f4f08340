package io.ladon.engine.kernel.x86;

/**
 * Vector instructions, encoded as GNU as does: VEX where registers of 128 or 256 bits below 16
 * allow it, else EVEX. Of the logical operations EVEX has its own ({@link #vpandd}).
 */
abstract class VectorInstructions extends Encoder {

  // Moves.

  private static final VectorOp VMOVUPS_LOAD = VectorOp.of(0, 1, 0x10);
  private static final VectorOp VMOVUPS_STORE = VectorOp.of(0, 1, 0x11);
  private static final VectorOp VMOVDQU_LOAD = VectorOp.of(2, 1, 0x6F);
  private static final VectorOp VMOVDQU_STORE = VectorOp.of(2, 1, 0x7F);

  final void vmovups(Vector to, Memory from) {
    vector(VMOVUPS_LOAD, to, NONE, from);
  }

  final void vmovups(Memory to, Vector from) {
    vector(VMOVUPS_STORE, from, NONE, to);
  }

  /** Writes those lanes whose bit in a mask register is set; AVX-512. */
  final void vmovups(Memory to, int mask, Vector from) {
    evex(VMOVUPS_STORE, from, NONE, to, mask);
  }

  /** Writes those lanes whose sign in {@code mask} is set. */
  final void vmaskmovps(Memory to, Vector mask, Vector from) {
    vector(VectorOp.of(1, 2, 0x2E), from, mask.number(), to);
  }

  final void vmovdqu(Vector to, Memory from) {
    vector(VMOVDQU_LOAD, to, NONE, from);
  }

  final void vmovdqu(Memory to, Vector from) {
    vector(VMOVDQU_STORE, from, NONE, to);
  }

  final void vmovdqu32(Vector to, Memory from) {
    evex(VMOVDQU_LOAD, to, NONE, from, 0);
  }

  /** The low 4 bytes of a register to memory. */
  final void vmovd(Memory to, Vector from) {
    vector(new VectorOp(1, 1, 0x7E, VectorOp.Tuple.ELEMENT), from, NONE, to);
  }

  /** One of the eight lanes of 16 bits to memory. */
  final void vpextrw(Memory to, Vector from, int lane) {
    vector(VectorOp.of(1, 3, 0x15), from, NONE, to);
    code().putByte(lane);
  }

  final void vextracti128(Vector to, Vector from, int half) {
    vector(VectorOp.of(1, 3, 0x39), from, NONE, to);
    code().putByte(half);
  }

  /** Halves of 128 bits: two bits of {@code order} for each say which of {@code left, right}. */
  final void vperm2i128(Vector to, Vector left, Vector right, int order) {
    vector(VectorOp.of(1, 3, 0x46), to, left.number(), right);
    code().putByte(order);
  }

  /**
   * Quarters of 128 bits, by two bits of {@code order} for each: two of {@code left}, then two of
   * {@code right}; AVX-512.
   */
  final void vshuff32x4(Vector to, Vector left, Vector right, int order) {
    evex(VectorOp.of(1, 3, 0x23), to, left.number(), right, 0);
    code().putByte(order);
  }

  /** Signs of the lanes, as bits; the others become 0. */
  final void vmovmskps(Gp to, Vector from) {
    vector(VectorOp.of(0, 1, 0x50), new Vector(to.number(), from.bits()), NONE, from);
  }

  /** Low 16 bits of a register to a mask register. */
  final void kmovw(int mask, Gp from) {
    vector(VectorOp.of(0, 1, 0x92), Vector.xmm(mask), NONE, Vector.xmm(from.number()));
  }

  final void vbroadcastss(Vector to, Memory from) {
    vector(new VectorOp(1, 2, 0x18, VectorOp.Tuple.ELEMENT), to, NONE, from);
  }

  final void vpbroadcastd(Vector to, Memory from) {
    vector(new VectorOp(1, 2, 0x58, VectorOp.Tuple.ELEMENT), to, NONE, from);
  }

  /** The low 4 bytes of a general register to every lane; AVX-512. */
  final void vpbroadcastd(Vector to, Gp from) {
    evex(VectorOp.of(1, 2, 0x7C), to, NONE, Vector.xmm(from.number()), 0);
  }

  final void vpbroadcastd(Vector to, Vector from) {
    vector(VectorOp.of(1, 2, 0x58), to, NONE, from);
  }

  /** The low 4 bytes of a general register. */
  final void vmovd(Vector to, Gp from) {
    vector(VectorOp.of(1, 1, 0x6E), to, NONE, Vector.xmm(from.number()));
  }

  /** The low 4 bytes to a general register, whose others become 0. */
  final void vmovd(Gp to, Vector from) {
    vector(VectorOp.of(1, 1, 0x7E), from, NONE, Vector.xmm(to.number()));
  }

  // Conversions.

  /** Half to single precision, exactly, subnormals included. */
  final void vcvtph2ps(Vector to, Memory from) {
    vector(new VectorOp(1, 2, 0x13, VectorOp.Tuple.HALF), to, NONE, from);
  }

  /** Single to half precision, rounded to nearest even; half as many bits. */
  final void vcvtps2ph(Vector to, Vector from) {
    vector(VectorOp.of(1, 3, 0x1D), from, NONE, to);
    code().putByte(0);
  }

  final void vcvtdq2ps(Vector to, Operand from) {
    vector(VectorOp.of(0, 1, 0x5B), to, NONE, from);
  }

  /** To whole numbers of 32 bits, rounded to nearest even. */
  final void vcvtps2dq(Vector to, Operand from) {
    vector(VectorOp.of(1, 1, 0x5B), to, NONE, from);
  }

  final void vpmovzxbd(Vector to, Memory from) {
    vector(new VectorOp(1, 2, 0x31, VectorOp.Tuple.QUARTER), to, NONE, from);
  }

  final void vpmovzxwd(Vector to, Memory from) {
    vector(new VectorOp(1, 2, 0x33, VectorOp.Tuple.HALF), to, NONE, from);
  }

  final void vpmovsxbd(Vector to, Memory from) {
    vector(new VectorOp(1, 2, 0x21, VectorOp.Tuple.QUARTER), to, NONE, from);
  }

  // Floats.

  final void vaddps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(0, 1, 0x58), to, left.number(), right);
  }

  final void vsubps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(0, 1, 0x5C), to, left.number(), right);
  }

  /** The larger; {@code right} where they are equal or one is NaN. */
  final void vmaxps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(0, 1, 0x5F), to, left.number(), right);
  }

  /** The smaller; {@code right} where they are equal or one is NaN. */
  final void vminps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(0, 1, 0x5D), to, left.number(), right);
  }

  final void vsqrtps(Vector to, Operand from) {
    vector(VectorOp.of(0, 1, 0x51), to, NONE, from);
  }

  /** Sets all bits of lanes where one is NaN, else none; AVX2. */
  final void vcmpunordps(Vector to, Vector left, Operand right) {
    vcmpps(to, left, right, 3);
  }

  /** Sets all bits of lanes where a predicate, as encoded, holds, else none; AVX2. */
  final void vcmpps(Vector to, Vector left, Operand right, int predicate) {
    vector(VectorOp.of(0, 1, 0xC2), to, left.number(), right);
    code().putByte(predicate);
  }

  /** The same to the bits of a mask register; AVX-512. */
  final void vcmpps(int mask, Vector left, Operand right, int predicate) {
    evex(VectorOp.of(0, 1, 0xC2), new Vector(mask, left.bits()), left.number(), right, 0);
    code().putByte(predicate);
  }

  /** Compares the lowest lanes for a jump; as below if one is NaN. */
  final void vucomiss(Vector left, Vector right) {
    vector(VectorOp.of(0, 1, 0x2E), left, NONE, right);
  }

  final void vmulps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(0, 1, 0x59), to, left.number(), right);
  }

  final void vdivps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(0, 1, 0x5E), to, left.number(), right);
  }

  /** {@code to = left * right + to}, rounded once. */
  final void vfmadd231ps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0xB8), to, left.number(), right);
  }

  /** {@code to = to * left + right}, rounded once. */
  final void vfmadd213ps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0xA8), to, left.number(), right);
  }

  /** {@code to = -(left * right) + to}, rounded once. */
  final void vfnmadd231ps(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0xBC), to, left.number(), right);
  }

  /**
   * {@code left} times 2 to the power of {@code right}, which is rounded down; 0 in lanes whose bit
   * in a mask register is not set; AVX-512.
   */
  final void vscalefps(Vector to, int mask, Vector left, Operand right) {
    evex(VectorOp.of(1, 2, 0x2C), to, left.number(), right, mask | ZEROING);
  }

  // Integers in lanes.

  final void vpaddd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xFE), to, left.number(), right);
  }

  final void vpsubd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xFA), to, left.number(), right);
  }

  /** The larger of two signed numbers of 32 bits. */
  final void vpmaxsd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0x3D), to, left.number(), right);
  }

  /** -1 where {@code left > right}, as signed numbers of 32 bits, else 0. */
  final void vpcmpgtd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0x66), to, left.number(), right);
  }

  /** 32 to 16 bits, saturated: those of {@code left}, then those of {@code right}. */
  final void vpackssdw(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0x6B), to, left.number(), right);
  }

  /** 16 to 8 bits, the same way. */
  final void vpacksswb(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0x63), to, left.number(), right);
  }

  final void vpaddw(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xFD), to, left.number(), right);
  }

  /** The low 16 bits of products. */
  final void vpmullw(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xD5), to, left.number(), right);
  }

  /** Lanes of 32 bits in each 128: two bits of {@code order} for each say where it is from. */
  final void vpshufd(Vector to, Operand from, int order) {
    vector(VectorOp.of(1, 1, 0x70), to, NONE, from);
    code().putByte(order);
  }

  /** In each 128 bits the two low lanes of 32, one of {@code left} and one of {@code right}. */
  final void vpunpckldq(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0x62), to, left.number(), right);
  }

  /** The same of the two high lanes. */
  final void vpunpckhdq(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0x6A), to, left.number(), right);
  }

  /** In each 128 bits the low 64 of {@code left}, then those of {@code right}. */
  final void vpunpcklqdq(Vector to, Vector left, Operand right) {
    vector(VectorOp.wide(1, 1, 0x6C), to, left.number(), right);
  }

  /** The same of the high 64. */
  final void vpunpckhqdq(Vector to, Vector left, Operand right) {
    vector(VectorOp.wide(1, 1, 0x6D), to, left.number(), right);
  }

  /** Lanes of 32 bits of {@code table}, at the places that the low bits of {@code at} say. */
  final void vpermd(Vector to, Vector at, Operand table) {
    vector(VectorOp.of(1, 2, 0x36), to, at.number(), table);
  }

  /** Lanes of 16 bits of {@code table}, at the places that the low bits of {@code at} say. */
  final void vpermw(Vector to, Vector at, Operand table) {
    evex(VectorOp.wide(1, 2, 0x8D), to, at.number(), table, 0);
  }

  /** The same of two tables that follow each other; the result replaces the places. */
  final void vpermi2w(Vector at, Vector table, Operand next) {
    evex(VectorOp.wide(1, 2, 0x75), at, table.number(), next, 0);
  }

  final void vphaddd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0x02), to, left.number(), right);
  }

  final void vpmulld(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0x40), to, left.number(), right);
  }

  /** Unsigned bytes of {@code left} times signed ones of {@code right}, added in pairs. */
  final void vpmaddubsw(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0x04), to, left.number(), right);
  }

  /**
   * Bytes of {@code left}, negated where those of {@code right} are negative, 0 where they are;
   * AVX2.
   */
  final void vpsignb(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0x08), to, left.number(), right);
  }

  /** Bytes without their sign; that of -128 is an unsigned 128. */
  final void vpabsb(Vector to, Operand from) {
    vector(VectorOp.of(1, 2, 0x1C), to, NONE, from);
  }

  /** Signed 16-bit numbers multiplied and added in pairs. */
  final void vpmaddwd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xF5), to, left.number(), right);
  }

  /**
   * Adds four products of unsigned bytes of {@code left} and signed ones to each lane; AVX-512 VNNI
   * with 512 bits, AVX-VNNI with fewer.
   */
  final void vpdpbusd(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 2, 0x50), to, left.number(), right);
  }

  final void vpsllw(Vector to, Vector from, int count) {
    shift(0x71, 6, to, from, count);
  }

  final void vpsrlw(Vector to, Vector from, int count) {
    shift(0x71, 2, to, from, count);
  }

  final void vpsrad(Vector to, Vector from, int count) {
    shift(0x72, 4, to, from, count);
  }

  final void vpsrld(Vector to, Vector from, int count) {
    shift(0x72, 2, to, from, count);
  }

  final void vpslld(Vector to, Vector from, int count) {
    shift(0x72, 6, to, from, count);
  }

  private void shift(int opcode, int extension, Vector to, Vector from, int count) {
    // The destination is where others have their first source, and ModRM extends the opcode.
    vector(VectorOp.of(1, 1, opcode), new Vector(extension, to.bits()), to.number(), from);
    code().putByte(count);
  }

  // Bits. The first three are VEX, the others EVEX.

  final void vpand(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xDB), to, left.number(), right);
  }

  final void vpor(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xEB), to, left.number(), right);
  }

  final void vpxor(Vector to, Vector left, Operand right) {
    vector(VectorOp.of(1, 1, 0xEF), to, left.number(), right);
  }

  final void vpandd(Vector to, Vector left, Operand right) {
    evex(VectorOp.of(1, 1, 0xDB), to, left.number(), right, 0);
  }

  final void vpxord(Vector to, Vector left, Operand right) {
    evex(VectorOp.of(1, 1, 0xEF), to, left.number(), right, 0);
  }

  /** Any function of three bits: bit {@code 4 to + 2 left + right} of {@code truth}. */
  final void vpternlogd(Vector to, Vector left, Operand right, int truth) {
    evex(VectorOp.of(1, 3, 0x25), to, left.number(), right, 0);
    code().putByte(truth);
  }
}
