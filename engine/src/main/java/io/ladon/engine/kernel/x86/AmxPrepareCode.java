package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;
import static io.ladon.engine.kernel.x86.Vector.zmm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * The function that prepares some tokens of a tile for {@link AmxTileCode}: quants as bfloat16, in
 * the order in which {@link AmxUnpackCode} leaves the columns of weights, scales, and sums times
 * scales.
 *
 * <p>A token's quants of a block are 16 pairs: for {@code g} from 0 to 3 the columns (4 g, 4 g +
 * 2), (4 g + 1, 4 g + 3), and the same two pairs 16 columns further.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>rsi, rdx</td><td>quants and scale of the token's block</td></tr>
 *   <tr><td>rax, r11</td><td>where they go</td></tr>
 *   <tr><td>r8, r9</td><td>bytes of quants and of scales from a token to the next</td></tr>
 *   <tr><td>rcx, r10</td><td>tokens and blocks to go</td></tr>
 *   <tr><td>rbx</td><td>record of the block</td></tr>
 * </table>
 */
final class AmxPrepareCode {

  private static final Vector FIRST = zmm(0);
  private static final Vector SECOND = zmm(1);
  private static final Vector SHUFFLED = zmm(2);
  private static final Vector SUMS = ymm(3);
  private static final Vector SCALE = xmm(4);
  private static final Vector UPPER = zmm(5);
  private static final Vector BYTE_ONES = ymm(6);
  private static final Vector SHORT_ONES = ymm(7);

  /** Lanes 2 and 3 of each 128 bits to 0 and 1. */
  private static final int UPPER_LANES = 0b00_00_11_10;

  private final Assembler a;
  private final boolean hasMinimum;

  /**
   * @param hasMinimum whether sums times scales are needed
   */
  AmxPrepareCode(Assembler assembler, boolean hasMinimum) {
    this.a = assembler;
    this.hasMinimum = hasMinimum;
  }

  void emit() {
    a.push(Gp.RBX);
    a.repeat(UPPER, 0xFFFF0000);
    a.repeat(BYTE_ONES, 0x01010101);
    a.repeat(SHORT_ONES, 0x00010001);
    a.mov(Gp.RBX, at(Gp.RDI, Parameters.PREPARE_TARGET));
    a.mov(Gp.R10, at(Gp.RDI, Parameters.PREPARE_BLOCKS));
    a.mov(Gp.R8, Format.COLUMNS);
    a.imul(Gp.R8, Gp.R10);
    a.mov(Gp.R9, Float.BYTES);
    a.imul(Gp.R9, Gp.R10);
    Label blocks = a.loop();
    a.mov(Gp.RSI, at(Gp.RDI, Parameters.PREPARE_VALUES));
    a.mov(Gp.RDX, at(Gp.RDI, Parameters.PREPARE_SCALES));
    a.mov(Gp.RAX, Gp.RBX);
    a.mov(Gp.R11, Gp.RBX);
    a.add(Gp.R11, at(Gp.RDI, AmxParameters.PREPARE_SCALES_OFFSET));
    a.mov(Gp.RCX, at(Gp.RDI, Parameters.PREPARE_TOKENS));
    Label tokens = a.loop();
    emitQuants();
    a.vbroadcastss(SCALE, at(Gp.RDX, 0));
    a.vmovd(at(Gp.R11, 0), SCALE);
    if (hasMinimum) {
      emitSum();
    }
    a.add(Gp.RSI, Gp.R8);
    a.add(Gp.RDX, Gp.R9);
    a.add(Gp.RAX, AmxParameters.LINE);
    a.add(Gp.R11, Float.BYTES);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, tokens);
    emitAdvance(Parameters.PREPARE_VALUES, Format.COLUMNS);
    emitAdvance(Parameters.PREPARE_SCALES, Float.BYTES);
    a.add(Gp.RBX, at(Gp.RDI, AmxParameters.PREPARE_RECORD_BYTES));
    a.dec(Gp.R10);
    a.jump(Condition.NOT_EQUAL, blocks);
    a.pop(Gp.RBX);
    a.endWide();
  }

  /** Moves an address among the parameters on to the next block. */
  private void emitAdvance(int parameter, int bytes) {
    a.mov(Gp.RAX, at(Gp.RDI, parameter));
    a.add(Gp.RAX, bytes);
    a.mov(at(Gp.RDI, parameter), Gp.RAX);
  }

  private void emitQuants() {
    emitPairs(FIRST, 0);
    emitPairs(SECOND, 16);
    a.vpunpcklqdq(FIRST, FIRST, SECOND);
    a.vmovups(at(Gp.RAX, 0), FIRST);
  }

  /** Whole numbers below 256 are the upper halves of their float32. */
  private void emitPairs(Vector to, int column) {
    a.vpmovsxbd(to, at(Gp.RSI, column));
    a.vcvtdq2ps(to, to);
    a.vpshufd(SHUFFLED, to, UPPER_LANES);
    a.vpsrld(to, to, 16);
    a.vpternlogd(to, SHUFFLED, UPPER, Avx512Arithmetic.OR_AND);
  }

  private void emitSum() {
    Vector sum = xmm(SUMS.number());
    Vector half = xmm(SHUFFLED.number());
    a.vpmaddubsw(SUMS, BYTE_ONES, at(Gp.RSI, 0));
    a.vpmaddwd(SUMS, SUMS, SHORT_ONES);
    a.vphaddd(SUMS, SUMS, SUMS);
    a.vphaddd(SUMS, SUMS, SUMS);
    a.vextracti128(half, SUMS, 1);
    a.vpaddd(sum, sum, half);
    a.vcvtdq2ps(sum, sum);
    a.vmulps(sum, sum, SCALE);
    a.vmovd(at(Gp.R11, AmxParameters.LINE), sum);
  }
}
