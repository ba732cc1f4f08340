package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * The function that prepares a tile of tokens: quants, scale and what is derived from them, put
 * together block by block in the order in which {@link ProductCode} reads them. AVX2 in every tier.
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
 *   <tr><td>ymm5, 6, xmm7</td><td>ones of 8 and of 16 bits, the negated zero point</td></tr>
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
  private static final Vector ZERO_POINT = xmm(7);

  private final Assembler a;
  private final Format format;

  PrepareCode(Assembler assembler, Format format) {
    this.a = assembler;
    this.format = format;
  }

  void emit() {
    repeat(BYTE_ONES, 0x01010101);
    repeat(SHORT_ONES, 0x00010001);
    repeat(ymm(ZERO_POINT.number()), -format.zeroPoint());
    a.mov(Gp.RSI, at(Gp.RDI, Parameters.PREPARE_QUANTS));
    a.mov(Gp.RDX, at(Gp.RDI, Parameters.PREPARE_SCALES));
    a.mov(Gp.R10, at(Gp.RDI, Parameters.PREPARE_TOKENS));
    a.mov(Gp.R8, at(Gp.RDI, Parameters.PREPARE_TARGET));
    a.mov(Gp.R9, Parameters.RECORD);
    a.imul(Gp.R9, Gp.R10);
    Label tokens = a.loop();
    a.mov(Gp.RAX, Gp.R8);
    a.mov(Gp.RCX, at(Gp.RDI, Parameters.PREPARE_BLOCKS));
    Label blocks = a.loop();
    emitBlock();
    a.add(Gp.RSI, 32);
    a.add(Gp.RDX, 4);
    a.add(Gp.RAX, Gp.R9);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, blocks);
    a.add(Gp.R8, Parameters.RECORD);
    a.dec(Gp.R10);
    a.jump(Condition.NOT_EQUAL, tokens);
    a.vzeroupper();
    a.ret();
  }

  private void emitBlock() {
    a.vmovdqu(QUANTS, at(Gp.RSI, 0));
    a.vmovdqu(at(Gp.RAX, 0), QUANTS);
    a.vbroadcastss(SCALE, at(Gp.RDX, 0));
    a.vmovd(at(Gp.RAX, Parameters.SCALE), SCALE);
    // Eight sums of four columns, then in each half of the register the sum of 16.
    a.vpmaddubsw(SUMS, BYTE_ONES, QUANTS);
    a.vpmaddwd(SUMS, SUMS, SHORT_ONES);
    a.vphaddd(SUMS, SUMS, SUMS);
    a.vphaddd(SUMS, SUMS, SUMS);
    a.vextracti128(SECOND_SUM, SUMS, 1);
    if (format.dots() == 1) {
      a.vpaddd(SUM, SUM, SECOND_SUM);
    }
    if (format.zeroPoint() != 0) {
      a.vpmulld(RESULT, SUM, ZERO_POINT);
      a.vmovd(at(Gp.RAX, Parameters.CORRECTION), RESULT);
    }
    if (format.dots() == 2) {
      a.vpmulld(RESULT, SECOND_SUM, ZERO_POINT);
      a.vmovd(at(Gp.RAX, Parameters.SECOND), RESULT);
    } else if (format.hasMinimum()) {
      a.vcvtdq2ps(RESULT, SUM);
      a.vmulps(RESULT, RESULT, SCALE);
      a.vmovd(at(Gp.RAX, Parameters.SECOND), RESULT);
    }
  }

  private void repeat(Vector to, int value) {
    Vector low = xmm(to.number());
    a.mov(Gp.RAX, value);
    a.vmovd(low, Gp.RAX);
    a.vpbroadcastd(to, low);
  }
}
