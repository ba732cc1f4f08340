package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;
import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * The function that quantises consecutive blocks of 32 floats, four at a time: what is one number a
 * block (largest magnitude, scale, sum) is then four lanes of one register, and is made of four
 * registers by transposing them as they are combined.
 *
 * <p>The largest magnitude is found among the bits of floats as integers, whose order is the same
 * and which have NaN above infinity: so a NaN shows in the scale wherever it stands.
 *
 * <table>
 *   <caption>Registers</caption>
 *   <tr><td>rsi, rdx, r8, r9</td><td>floats, quants, scales, sums of the group</td></tr>
 *   <tr><td>rcx</td><td>groups to go</td></tr>
 *   <tr><td>0-3</td><td>largest magnitudes of the blocks, then 32 numbers or 64</td></tr>
 *   <tr><td>4, 5</td><td>on the way</td></tr>
 *   <tr><td>6, 7</td><td>a block's factor, and -1 in all lanes if it is of use, else 0</td></tr>
 *   <tr><td>8-11</td><td>sums of the blocks</td></tr>
 *   <tr><td>12-15</td><td>mask of magnitudes, ones of 8 and of 16 bits, the order of {@link
 *       #emitBytes}</td></tr>
 * </table>
 */
final class QuantizeCode {

  private static final int FACTOR = 6;
  private static final int USABLE = 7;
  private static final int FIRST_SUM = 8;
  private static final int MAGNITUDE = 12;
  private static final int BYTE_ONES = 13;
  private static final int SHORT_ONES = 14;
  private static final int ORDER = 15;

  private static final int BLOCKS = Parameters.QUANTIZE_GROUP;
  private static final int COLUMNS = Format.COLUMNS; // of a block
  private static final int REGISTERS = 4; // that are packed into one

  private final Lanes lanes;
  private final Assembler a;
  private final ConstantTable constants;

  QuantizeCode(Lanes lanes, ConstantTable constants) {
    this.lanes = lanes;
    this.a = lanes.a();
    this.constants = constants;
  }

  void emit() {
    constants.aim(a);
    a.repeat(lanes.register(MAGNITUDE), 0x7FFFFFFF);
    a.repeat(lanes.register(BYTE_ONES), 0x01010101);
    a.repeat(lanes.register(SHORT_ONES), 0x00010001);
    emitOrder();
    a.mov(Gp.RSI, at(Gp.RDI, Parameters.QUANTIZE_FLOATS));
    a.mov(Gp.RDX, at(Gp.RDI, Parameters.QUANTIZE_QUANTS));
    a.mov(Gp.R8, at(Gp.RDI, Parameters.QUANTIZE_SCALES));
    a.mov(Gp.R9, at(Gp.RDI, Parameters.QUANTIZE_SUMS));
    a.mov(Gp.RCX, at(Gp.RDI, Parameters.QUANTIZE_GROUPS));
    Label groups = a.loop();
    emitLargest();
    emitFactors();
    for (int first = 0; first < BLOCKS * COLUMNS; first += REGISTERS * lanes.floats()) {
      emitQuants(first);
      emitBytes(first);
    }
    reduce(a::vpaddd, FIRST_SUM, 256);
    a.vmovups(at(Gp.R9, 0), xmm(FIRST_SUM));
    a.add(Gp.RSI, BLOCKS * COLUMNS * Float.BYTES);
    a.add(Gp.RDX, BLOCKS * COLUMNS);
    a.add(Gp.R8, BLOCKS * Float.BYTES);
    a.add(Gp.R9, BLOCKS * Integer.BYTES);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, groups);
    a.endWide();
  }

  /**
   * Where the four bytes of each lane come from once {@link #emitBytes} has packed them: of lane
   * {@code i} from {@code 4 (i mod n) + i / n}, where a register has n times 128 bits.
   */
  private void emitOrder() {
    int bits = lanes.bits() == 512 ? 2 : 1; // n is 2 to this power
    Vector order = lanes.register(ORDER);
    Vector row = lanes.register(0);
    a.vmovups(order, ConstantTable.lanes(0));
    a.vpsrld(row, order, bits);
    a.vpslld(order, order, 32 - bits);
    a.vpsrld(order, order, 30 - bits);
    a.vpaddd(order, order, row);
  }

  /** The largest magnitudes of the four blocks to xmm0. */
  private void emitLargest() {
    Vector next = lanes.register(4);
    for (int block = 0; block < BLOCKS; block++) {
      Vector largest = lanes.register(block);
      for (int column = 0; column < COLUMNS; column += lanes.floats()) {
        Vector to = column == 0 ? largest : next;
        lanes.and(to, lanes.register(MAGNITUDE), floats(block * COLUMNS + column));
        if (column > 0) {
          a.vpmaxsd(largest, largest, next);
        }
      }
    }
    reduce(a::vpmaxsd, 0, lanes.bits());
  }

  /** Stores the scales, and computes 127 / largest and whether that is of use. */
  private void emitFactors() {
    Vector largest = xmm(0);
    Vector most = xmm(1);
    Vector infinity = xmm(2);
    Vector zero = xmm(3);
    a.vmovups(most, constant(Constant.LARGEST_QUANT));
    a.vmovups(infinity, constant(Constant.INFINITY));
    a.vpxor(zero, zero, zero);
    a.vdivps(xmm(4), largest, most);
    a.vmovups(at(Gp.R8, 0), xmm(4));
    Vector factors = xmm(FACTOR);
    Vector usable = xmm(USABLE);
    a.vdivps(factors, most, largest);
    a.vpcmpgtd(usable, factors, zero);
    a.vpcmpgtd(xmm(4), infinity, factors);
    a.vpand(usable, usable, xmm(4));
    a.vmovups(at(Gp.RDI, Parameters.QUANTIZE_FACTORS), factors);
    a.vmovups(at(Gp.RDI, Parameters.QUANTIZE_USABLE), usable);
  }

  /** The quants of four registers' floats, as integers. */
  private void emitQuants(int first) {
    Vector factor = lanes.register(FACTOR);
    Vector usable = lanes.register(USABLE);
    for (int i = 0; i < REGISTERS; i++) {
      int column = first + i * lanes.floats();
      if (column % COLUMNS == 0) {
        int block = column / COLUMNS;
        a.vbroadcastss(factor, at(Gp.RDI, Parameters.QUANTIZE_FACTORS + Float.BYTES * block));
        a.vpbroadcastd(usable, at(Gp.RDI, Parameters.QUANTIZE_USABLE + Integer.BYTES * block));
      }
      Vector quants = lanes.register(i);
      a.vmulps(quants, factor, floats(column));
      a.vcvtps2dq(quants, quants);
      lanes.and(quants, quants, usable);
    }
  }

  /**
   * Packs and stores the quants of four registers, and sums them up by four columns. Instructions
   * that pack work in 128 bits each: they put the k-th of these of all four registers together.
   */
  private void emitBytes(int first) {
    Vector bytes = lanes.register(0);
    Vector second = lanes.register(2);
    a.vpackssdw(bytes, bytes, lanes.register(1));
    a.vpackssdw(second, second, lanes.register(3));
    a.vpacksswb(bytes, bytes, second);
    a.vpermd(bytes, lanes.register(ORDER), bytes);
    a.vmovups(at(Gp.RDX, first), bytes);
    int block = first / COLUMNS;
    Vector sums = lanes.register(FIRST_SUM + block);
    a.vpmaddubsw(sums, lanes.register(BYTE_ONES), bytes);
    a.vpmaddwd(sums, sums, lanes.register(SHORT_ONES));
    if (lanes.bits() == 512) { // a block in each half
      a.vshuff32x4(lanes.register(FIRST_SUM + block + 1), sums, sums, PrepareCode.SWAP_HALVES);
    }
  }

  /**
   * Combines all lanes of each of four registers, to one lane each of the first one's low 128 bits.
   */
  private void reduce(Lanes.Combine combine, int first, int bits) {
    Vector x = new Vector(first, bits);
    Vector y = new Vector(first + 2, bits);
    Vector low = new Vector(4, bits);
    for (int i = 0; i < BLOCKS; i += 2) { // to lanes of registers i, i + 1, i, i + 1
      Vector pair = new Vector(first + i, bits);
      Vector other = new Vector(first + i + 1, bits);
      a.vpunpckldq(low, pair, other);
      a.vpunpckhdq(pair, pair, other);
      combine.emit(pair, pair, low);
    }
    a.vpunpcklqdq(low, x, y);
    a.vpunpckhqdq(x, x, y);
    combine.emit(x, x, low);
    if (bits == 512) {
      a.vshuff32x4(low, x, x, PrepareCode.SWAP_HALVES);
      combine.emit(x, x, low);
    }
    a.vextracti128(xmm(4), ymm(first), 1);
    combine.emit(xmm(first), xmm(first), xmm(4));
  }

  private Memory floats(int column) {
    return at(Gp.RSI, Float.BYTES * column);
  }
}
