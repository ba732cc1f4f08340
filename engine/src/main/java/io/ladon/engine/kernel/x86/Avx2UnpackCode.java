package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Vector.ymm;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * Unpacks a panel for {@link Avx2Unpacked}, once for all tokens: nibbles, and the bits above them,
 * to bytes, scales to float32 ({@link Format#unpackedBytes}). Bytes are where Q8_0 has its own:
 * byte {@code 64 g + 4 row + j} is column {@code 4 g + j}.
 *
 * <table>
 *   <caption>Registers, beside those of {@link Registers}</caption>
 *   <tr><td>r9</td><td>where the block goes</td></tr>
 *   <tr><td>ymm0-3</td><td>on their way</td></tr>
 *   <tr><td>ymm4, 5</td><td>bits above nibbles, of one half of the rows</td></tr>
 * </table>
 */
final class Avx2UnpackCode {

  private static final Gp TARGET = Gp.R9;

  private static final Vector NIBBLES = ymm(0);
  private static final Vector BYTES = ymm(1);
  private static final Vector SCALE = ymm(2);
  private static final Vector OTHER = ymm(3);
  private static final Vector[] HIGH_BITS = {ymm(4), ymm(5)};

  private static final int ROW_BYTES = Avx2Sums.ROW_BYTES;
  private static final int HALF = Avx2Sums.HALF;

  private final Assembler a;
  private final Format format;
  private final Avx2Nibbles nibbles;
  private final Avx2Scales scales;

  Avx2UnpackCode(Assembler assembler, Format format) {
    this.a = assembler;
    this.format = format;
    this.nibbles = new Avx2Nibbles(assembler, format, OTHER);
    this.scales = new Avx2Scales(assembler, format, OTHER);
  }

  /**
   * Unpacks the panel at {@link Registers#PANEL} to {@link Parameters#UNPACKED}. The next one is
   * what the token tiles are to fetch, from {@link Registers#AHEAD} on.
   */
  void emitPanel() {
    Avx2Arithmetic.constants(a, format);
    a.mov(TARGET, at(Registers.PARAMETERS, Parameters.UNPACKED));
    a.mov(Registers.HEADER, Registers.PANEL);
    ProductCode.aimAtNextPanel(a);
    a.mov(Registers.SCHEDULE, at(Registers.PARAMETERS, Parameters.SCHEDULE));
    Label tiles = a.loop();
    a.mov(Registers.COUNT, at(Registers.SCHEDULE, Parameters.BLOCKS));
    a.mov(Registers.QUANTS, Registers.HEADER);
    a.add(Registers.QUANTS, at(Registers.SCHEDULE, Parameters.HEADER_BYTES));
    scales.beginTile();
    Label blocks = a.loop();
    for (int half = 0; half < 2; half++) {
      emitScales(half);
      emitQuants(half);
    }
    a.add(Registers.HEADER, format.blockHeader());
    a.add(Registers.QUANTS, format.quantBytes());
    a.add(TARGET, format.unpackedBytes());
    a.dec(Registers.COUNT);
    a.jump(Condition.NOT_EQUAL, blocks);
    a.mov(Registers.HEADER, Registers.QUANTS); // the next begins where the quants end
    a.add(Registers.SCHEDULE, Parameters.SCHEDULE_ENTRY);
    a.cmp(Registers.SCHEDULE, at(Registers.PARAMETERS, Parameters.SCHEDULE_END));
    a.jump(Condition.NOT_EQUAL, tiles);
  }

  private void emitScales(int half) {
    for (int dot = 0; dot < format.dots(); dot++) {
      scales.scale(SCALE, half, dot);
      a.vmovups(at(TARGET, ROW_BYTES * dot + HALF * half), SCALE);
    }
    if (format.hasMinimum()) {
      scales.minimum(SCALE, half);
      a.vmovups(at(TARGET, ROW_BYTES * format.dots() + HALF * half), SCALE);
    }
  }

  private void emitQuants(int half) {
    int planes = format.highPlanes();
    for (int plane = 0; plane < planes; plane++) {
      a.vmovdqu(HIGH_BITS[plane], at(Registers.QUANTS, ROW_BYTES * plane + HALF * half));
    }
    for (int group = 0; group < 4; group++) {
      a.vmovdqu(NIBBLES, at(Registers.QUANTS, ROW_BYTES * (planes + group) + HALF * half));
      nibbles.low(BYTES, NIBBLES, HIGH_BITS[0], group);
      emitStore(group, half);
      nibbles.high(BYTES, NIBBLES, HIGH_BITS[format.dots() - 1], group);
      emitStore(4 + group, half);
    }
  }

  private void emitStore(int group, int half) {
    a.vmovdqu(at(TARGET, format.unpackedQuants() + ROW_BYTES * group + HALF * half), BYTES);
  }
}
