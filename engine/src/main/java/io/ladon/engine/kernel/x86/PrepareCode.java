package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * The function that prepares a tile of tokens: quants, scale and what is derived from them, put
 * together block by block in the order in which {@link ProductCode} reads them; float32 activations
 * are copied in that order. AVX2 in every tier.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>rsi, rdx</td><td>quants and scales of the block; tokens follow each other</td></tr>
 *   <tr><td>rax</td><td>record of the block</td></tr>
 *   <tr><td>r8</td><td>the token's first record</td></tr>
 *   <tr><td>r9</td><td>bytes from a block's record to the next</td></tr>
 *   <tr><td>rcx, r10</td><td>blocks and tokens to go</td></tr>
 *   <tr><td>ymm0, 1</td><td>quants and their sums</td></tr>
 *   <tr><td>xmm2</td><td>sum of columns 16 to 31</td></tr>
 *   <tr><td>ymm5, 6, 7</td><td>ones of 8 and of 16 bits, what sums are multiplied with</td></tr>
 *   <tr><td>ymm8-10</td><td>sums of pairs, and what they are multiplied with</td></tr>
 * </table>
 */
final class PrepareCode {

  private static final Vector QUANTS = ymm(0);
  private static final Vector SUMS = ymm(1);
  private static final Vector SUM = xmm(1);
  private static final Vector SECOND_SUM = xmm(2);
  private static final Vector SCALE = xmm(3);
  private static final Vector RESULT = xmm(4);
  private static final Vector BYTE_ONES = ymm(5);
  private static final Vector SHORT_ONES = ymm(6);
  private static final Vector FACTOR = ymm(7);
  private static final Vector PAIRS = ymm(8);
  private static final Vector SHUFFLED = ymm(9);
  private static final Vector PAIR_FACTOR = ymm(10);

  static final int SWAP_HALVES = 0b01_00_11_10; // of four lanes
  static final int SWAP_NEIGHBOURS = 0b10_11_00_01;

  private final Assembler a;
  private final Format format;
  private final boolean pairs;

  /**
   * @param pairs whether dots are two 16-bit sums when they start, as in AVX2, or one of 32 bits
   */
  PrepareCode(Assembler assembler, Format format, boolean pairs) {
    this.a = assembler;
    this.format = format;
    this.pairs = pairs;
  }

  void emit() {
    a.repeat(BYTE_ONES, 0x01010101);
    a.repeat(SHORT_ONES, 0x00010001);
    a.repeat(FACTOR, pairs ? format.centre() : -format.zeroPoint());
    a.repeat(PAIR_FACTOR, (-format.centre() & 0xFFFF) * 0x00010001);
    a.mov(Gp.RSI, at(Gp.RDI, Parameters.PREPARE_VALUES));
    a.mov(Gp.RDX, at(Gp.RDI, Parameters.PREPARE_SCALES));
    a.mov(Gp.R10, at(Gp.RDI, Parameters.PREPARE_TOKENS));
    a.mov(Gp.R8, at(Gp.RDI, Parameters.PREPARE_TARGET));
    a.mov(Gp.R9, format.recordBytes());
    a.imul(Gp.R9, Gp.R10);
    Label tokens = a.loop();
    a.mov(Gp.RAX, Gp.R8);
    a.mov(Gp.RCX, at(Gp.RDI, Parameters.PREPARE_BLOCKS));
    Label blocks = a.loop();
    if (format.isFloat()) {
      emitFloats();
    } else {
      emitBlock();
    }
    a.add(Gp.RSI, format.valueBytes() * Format.COLUMNS);
    a.add(Gp.RDX, 4);
    a.add(Gp.RAX, Gp.R9);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, blocks);
    a.add(Gp.R8, format.recordBytes());
    a.dec(Gp.R10);
    a.jump(Condition.NOT_EQUAL, tokens);
    a.endWide();
  }

  private void emitFloats() {
    for (int offset = 0; offset < format.recordBytes(); offset += 32) {
      a.vmovdqu(QUANTS, at(Gp.RSI, offset));
      a.vmovdqu(at(Gp.RAX, offset), QUANTS);
    }
  }

  private void emitBlock() {
    a.vmovdqu(QUANTS, at(Gp.RSI, 0));
    a.vmovdqu(at(Gp.RAX, Parameters.RECORD_QUANTS), QUANTS);
    a.vbroadcastss(SCALE, at(Gp.RDX, 0));
    store(Parameters.SCALE, SCALE);
    a.vpmaddubsw(SUMS, BYTE_ONES, QUANTS);
    if (pairs && format.centre() != 0) {
      emitPairs();
    }
    // Eight sums of four columns, then in each half of the register the sum of 16.
    a.vpmaddwd(SUMS, SUMS, SHORT_ONES);
    a.vphaddd(SUMS, SUMS, SUMS);
    a.vphaddd(SUMS, SUMS, SUMS);
    a.vextracti128(SECOND_SUM, SUMS, 1);
    if (format.dots() == 1) {
      a.vpaddd(SUM, SUM, SECOND_SUM);
    }
    if (pairs) {
      if (format.hasOffset()) {
        product(SUM, Parameters.OFFSET);
      }
    } else if (format.zeroPoint() != 0) {
      product(SUM, Parameters.CORRECTION);
      if (format.dots() == 2) {
        product(SECOND_SUM, Parameters.SECOND);
      }
    }
    if (format.hasMinimum()) {
      a.vcvtdq2ps(RESULT, SUM);
      a.vmulps(RESULT, RESULT, SCALE);
      store(Parameters.SECOND, RESULT);
    }
  }

  private void product(Vector sum, int field) {
    a.vpmulld(RESULT, sum, xmm(FACTOR.number()));
    store(field, RESULT);
  }

  private void store(int field, Vector low) {
    a.vmovd(at(Gp.RAX, field), low);
  }

  /**
   * Corrections of the two 16-bit sums of each row, from lanes that have the pairs (0, 1) and (2,
   * 3) of four columns, 16 bits each: of all columns, or of each half where it is a dot of its own.
   */
  private void emitPairs() {
    a.vpshufd(SHUFFLED, SUMS, SWAP_HALVES);
    a.vpaddw(PAIRS, SUMS, SHUFFLED);
    a.vpshufd(SHUFFLED, PAIRS, SWAP_NEIGHBOURS);
    a.vpaddw(PAIRS, PAIRS, SHUFFLED);
    a.vpmullw(PAIRS, PAIRS, PAIR_FACTOR);
    Vector low = xmm(PAIRS.number());
    Vector second = xmm(SHUFFLED.number());
    a.vextracti128(second, PAIRS, 1);
    if (format.dots() == 1) {
      a.vpaddw(low, low, second);
    } else {
      store(Parameters.SECOND, second);
    }
    store(Parameters.CORRECTION, low);
  }
}
