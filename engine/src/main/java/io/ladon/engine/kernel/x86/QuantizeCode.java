package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;
import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * The function that quantises consecutive blocks of 32 floats, in AVX2. Vector code in Java takes
 * seconds until it is compiled; this is quick from the first step on.
 *
 * <p>The largest magnitude is found among the bits of floats as integers, whose order is the same
 * and which have NaN above infinity: so a NaN shows in the scale wherever it stands.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>rsi, rdx, r8, r9</td><td>floats, quants, scales, sums of the block</td></tr>
 *   <tr><td>rcx</td><td>blocks to go</td></tr>
 *   <tr><td>ymm0-3</td><td>the block</td></tr>
 *   <tr><td>ymm4, 5</td><td>on the way to the largest magnitude, to the sum and to bytes</td></tr>
 *   <tr><td>ymm6, 7</td><td>factor, and -1 in all lanes if it is of use, else 0</td></tr>
 *   <tr><td>ymm10, 12-14</td><td>constants: rounder, mask of magnitudes, 127,
 *       infinity</td></tr>
 *   <tr><td>ymm15</td><td>zero</td></tr>
 * </table>
 */
final class QuantizeCode {

  private static final Vector FACTOR = ymm(6);
  private static final Vector USABLE = ymm(7);
  private static final Vector ROUNDER = ymm(10);
  private static final Vector MAGNITUDE = ymm(12);
  private static final Vector MOST = xmm(13);
  private static final Vector INFINITY = xmm(14);
  private static final Vector ZERO = ymm(15);

  private static final int FLOATS = 32; // bytes of a register
  private static final int REGISTERS = 4; // of a block

  private final Assembler a;
  private final ConstantTable constants;

  QuantizeCode(Assembler assembler, ConstantTable constants) {
    this.a = assembler;
    this.constants = constants;
  }

  void emit() {
    constants.aim(a);
    a.vmovups(ROUNDER, constant(Constant.ROUNDER));
    a.vmovups(MOST, constant(Constant.LARGEST_QUANT));
    a.vmovups(INFINITY, constant(Constant.INFINITY));
    a.mov(Gp.RAX, 0x7FFFFFFF);
    new Lanes(a, 256).repeat(MAGNITUDE, Gp.RAX);
    a.vpxor(ZERO, ZERO, ZERO);
    a.mov(Gp.RSI, at(Gp.RDI, Parameters.QUANTIZE_FLOATS));
    a.mov(Gp.RDX, at(Gp.RDI, Parameters.QUANTIZE_QUANTS));
    a.mov(Gp.R8, at(Gp.RDI, Parameters.QUANTIZE_SCALES));
    a.mov(Gp.R9, at(Gp.RDI, Parameters.QUANTIZE_SUMS));
    a.mov(Gp.RCX, at(Gp.RDI, Parameters.QUANTIZE_BLOCKS));
    Label blocks = a.loop();
    emitFactor();
    emitQuants();
    emitSum();
    emitBytes();
    a.add(Gp.RSI, REGISTERS * FLOATS);
    a.add(Gp.RDX, FLOATS);
    a.add(Gp.R8, 4);
    a.add(Gp.R9, 4);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, blocks);
    a.endWide();
  }

  /** Loads the block, stores its scale, and computes 127 / largest and whether that is of use. */
  private void emitFactor() {
    Vector largest = xmm(4);
    for (int i = 0; i < REGISTERS; i++) {
      a.vmovups(ymm(i), at(Gp.RSI, FLOATS * i));
      a.vpand(ymm(i == 0 ? 4 : 5), ymm(i), MAGNITUDE);
      if (i > 0) {
        a.vpmaxsd(ymm(4), ymm(4), ymm(5));
      }
    }
    a.vextracti128(xmm(5), ymm(4), 1);
    a.vpmaxsd(largest, largest, xmm(5));
    a.vpshufd(xmm(5), largest, PrepareCode.SWAP_HALVES);
    a.vpmaxsd(largest, largest, xmm(5));
    a.vpshufd(xmm(5), largest, PrepareCode.SWAP_NEIGHBOURS);
    a.vpmaxsd(largest, largest, xmm(5));
    a.vdivps(xmm(5), largest, MOST);
    a.vmovd(at(Gp.R8, 0), xmm(5));
    Vector factor = xmm(FACTOR.number());
    Vector usable = xmm(USABLE.number());
    a.vdivps(factor, MOST, largest);
    a.vpcmpgtd(usable, factor, xmm(ZERO.number()));
    a.vpcmpgtd(xmm(5), INFINITY, factor);
    a.vpand(usable, usable, xmm(5));
    a.vpbroadcastd(FACTOR, factor);
    a.vpbroadcastd(USABLE, usable);
  }

  private void emitQuants() {
    for (int i = 0; i < REGISTERS; i++) {
      a.vmulps(ymm(i), ymm(i), FACTOR);
      a.vaddps(ymm(i), ymm(i), ROUNDER);
      a.vpsubd(ymm(i), ymm(i), ROUNDER);
      a.vpand(ymm(i), ymm(i), USABLE);
    }
  }

  private void emitSum() {
    Vector sum = xmm(4);
    a.vpaddd(ymm(4), ymm(0), ymm(1));
    a.vpaddd(ymm(5), ymm(2), ymm(3));
    a.vpaddd(ymm(4), ymm(4), ymm(5));
    a.vextracti128(xmm(5), ymm(4), 1);
    a.vpaddd(sum, sum, xmm(5));
    a.vphaddd(sum, sum, sum);
    a.vphaddd(sum, sum, sum);
    a.vmovd(at(Gp.R9, 0), sum);
  }

  private void emitBytes() {
    for (int i = 0; i < REGISTERS; i++) {
      a.vextracti128(xmm(4), ymm(i), 1);
      a.vpackssdw(xmm(i), xmm(i), xmm(4));
    }
    a.vpacksswb(xmm(0), xmm(0), xmm(1));
    a.vpacksswb(xmm(2), xmm(2), xmm(3));
    a.vmovdqu(at(Gp.RDX, 0), xmm(0));
    a.vmovdqu(at(Gp.RDX, 16), xmm(2));
  }
}
