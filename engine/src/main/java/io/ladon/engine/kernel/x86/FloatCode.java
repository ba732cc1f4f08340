package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.ConstantTable.constant;
import static io.ladon.engine.kernel.x86.Memory.at;

import io.ladon.engine.kernel.x86.Assembler.Condition;

/**
 * Functions of float32 vectors whose length is a multiple of 16 and not 0. Vector code in Java
 * takes seconds until it is compiled, and now and then is compiled badly; this is quick from the
 * first step on.
 *
 * <p>Arguments come in rdi, rsi, rdx, rcx, r8 and r9: addresses, lengths in units of 16, and floats
 * as their bits. A result goes to rax.
 */
final class FloatCode {

  private static final int UNIT = 64; // bytes of 16 floats

  private final Assembler a;
  private final Lanes lanes;
  private final ConstantTable constants;
  private final ExponentialCode exponential;

  FloatCode(Lanes lanes, ConstantTable constants) {
    this.a = lanes.a();
    this.lanes = lanes;
    this.constants = constants;
    this.exponential = new ExponentialCode(a);
  }

  /** Splits a {@link MachineCode#pair}. */
  private void split(Gp pair, Gp low, Gp high) {
    a.mov(high, pair);
    a.sar(high, Integer.SIZE);
    a.mov(low, pair);
    a.shl(low, Integer.SIZE);
    a.sar(low, Integer.SIZE);
  }

  /** What is done to one register of the current 16 floats. */
  private interface Body {
    /**
     * @param i number of the register among those of 16 floats
     * @param offset bytes from the first of the floats
     */
    void emit(int i, int offset);
  }

  /** A loop over units of 16 floats: all pointers go ahead together. */
  private void loop(Gp units, Body body, Gp... pointers) {
    Label loop = a.loop();
    for (int i = 0; i < lanes.registers(); i++) {
      body.emit(i, i * lanes.bytes());
    }
    for (Gp pointer : pointers) {
      a.add(pointer, UNIT);
    }
    a.dec(units);
    a.jump(Condition.NOT_EQUAL, loop);
  }

  private Vector register(int number) {
    return lanes.register(number);
  }

  /** {@code y[i] += x[i]}: x, y, units. */
  void add() {
    loop(
        Gp.RDX,
        (i, offset) -> {
          a.vmovups(register(i), at(Gp.RSI, offset));
          a.vaddps(register(i), register(i), at(Gp.RDI, offset));
          a.vmovups(at(Gp.RSI, offset), register(i));
        },
        Gp.RDI,
        Gp.RSI);
    a.endWide();
  }

  /** {@code y[i] *= factor}: y, units, factor. */
  void scale() {
    lanes.repeat(register(2), Gp.RDX);
    loop(
        Gp.RSI,
        (i, offset) -> {
          a.vmulps(register(i), register(2), at(Gp.RDI, offset));
          a.vmovups(at(Gp.RDI, offset), register(i));
        },
        Gp.RDI);
    a.endWide();
  }

  /**
   * {@code y[i] = x[i] * factor * weight[i]} of a root mean square: x, weight, y, units with rows
   * ({@link MachineCode#pair}), length as a float, epsilon. Rows follow each other in x and y.
   */
  void norm() {
    Vector sum = register(0);
    Vector length = register(4);
    Vector epsilon = register(5);
    Gp units = Gp.R9;
    Gp rows = Gp.R8;
    lanes.repeat(length, Gp.R8);
    lanes.repeat(epsilon, Gp.R9);
    split(Gp.RCX, units, rows);
    constants.aim(a);
    Label row = a.loop();
    lanes.zero(register(0));
    lanes.zero(register(1));
    a.mov(Gp.RAX, Gp.RDI);
    a.mov(Gp.R10, units);
    loop(
        Gp.R10,
        (i, offset) -> {
          a.vmovups(register(2 + i), at(Gp.RAX, offset));
          a.vfmadd231ps(register(i), register(2 + i), register(2 + i));
        },
        Gp.RAX);
    lanes.reduce(a::vaddps, 0, register(2));
    a.vdivps(sum, sum, length);
    a.vaddps(sum, sum, epsilon);
    a.vsqrtps(sum, sum);
    a.vmovups(register(1), constant(Constant.ONE));
    a.vdivps(sum, register(1), sum);
    a.mov(Gp.RCX, units);
    loop(
        Gp.RCX,
        (i, offset) -> {
          a.vmulps(register(2 + i), sum, at(Gp.RDI, offset));
          a.vmulps(register(2 + i), register(2 + i), at(Gp.RSI, offset));
          a.vmovups(at(Gp.RDX, offset), register(2 + i));
        },
        Gp.RDI,
        Gp.RSI,
        Gp.RDX);
    a.imul(Gp.RAX, units, UNIT);
    a.sub(Gp.RSI, Gp.RAX); // to the weight's beginning
    a.dec(rows);
    a.jump(Condition.NOT_EQUAL, row);
    a.endWide();
  }

  /** {@code y[i] = gate[i] / (1 + exp(-gate[i])) * up[i]}: gate, up, y, units. */
  void silu() {
    gate(
        (x, inner) -> {
          lanes.zero(inner);
          a.vsubps(inner, inner, x);
        });
  }

  /** The same with {@code exp(gate[i] * (GELU_3 * gate[i]^2 + GELU_1))}. */
  void geluTanh() {
    gate(
        (x, inner) -> {
          Vector square = register(7);
          a.vmulps(square, x, x);
          a.vmovups(inner, constant(Constant.GELU_1));
          a.vfmadd231ps(inner, square, constant(Constant.GELU_3));
          a.vmulps(inner, x, inner);
        });
  }

  /** Computes what the exponential is taken of. */
  private interface Inner {
    void emit(Vector x, Vector inner);
  }

  private void gate(Inner exponent) {
    constants.aim(a);
    loop(
        Gp.RCX,
        (i, offset) -> {
          Vector x = register(0);
          Vector inner = register(1);
          a.vmovups(x, at(Gp.RDI, offset));
          exponent.emit(x, inner);
          exponential.emit(inner, register(2), register(3), register(4), register(5));
          a.vaddps(inner, inner, constant(Constant.ONE));
          a.vdivps(x, x, inner);
          a.vmulps(x, x, at(Gp.RSI, offset));
          a.vmovups(at(Gp.RDX, offset), x);
        },
        Gp.RDI,
        Gp.RSI,
        Gp.RDX);
    a.endWide();
  }

  /**
   * Of each of some vectors the sum of {@code exp((x[i] - max) * factor)}: x, units of one vector,
   * vectors, their max, factor, sums.
   */
  void sumExp() {
    constants.aim(a);
    lanes.repeat(register(9), Gp.R8);
    Label vectors = a.loop();
    lanes.zero(register(0));
    lanes.zero(register(1));
    a.vbroadcastss(register(8), at(Gp.RCX, 0));
    a.mov(Gp.RAX, Gp.RSI);
    loop(
        Gp.RAX,
        (i, offset) -> {
          Vector x = register(2);
          a.vmovups(x, at(Gp.RDI, offset));
          a.vsubps(x, x, register(8));
          a.vmulps(x, x, register(9));
          exponential.emit(x, register(3), register(4), register(5), register(6));
          a.vaddps(register(i), register(i), x);
        },
        Gp.RDI);
    lanes.reduce(a::vaddps, 0, register(2));
    a.vmovd(at(Gp.R9, 0), Vector.xmm(0));
    a.add(Gp.RCX, Float.BYTES);
    a.add(Gp.R9, Float.BYTES);
    a.dec(Gp.RDX);
    a.jump(Condition.NOT_EQUAL, vectors);
    a.endWide();
  }

  /**
   * Rotates heads, of each pair of neighbours: first head, table of the first token, its end, heads
   * with tokens ({@link MachineCode#pair}), bytes from head to head. The table has of each 16
   * elements their cosines, then what the other of the pair is multiplied by. Heads, tokens and
   * their tables follow each other.
   */
  void rotateNeighbours() {
    Label tokens = beginRotation();
    Label heads = a.loop();
    a.mov(Gp.RAX, Gp.RDI);
    a.mov(Gp.R11, Gp.RSI);
    Label loop = a.loop();
    for (int i = 0; i < lanes.registers(); i++) {
      Vector x = register(2 * i);
      Vector other = register(2 * i + 1);
      a.vmovups(x, at(Gp.RAX, i * lanes.bytes()));
      a.vpshufd(other, x, PrepareCode.SWAP_NEIGHBOURS);
      a.vmulps(x, x, at(Gp.R11, i * lanes.bytes()));
      a.vmulps(other, other, at(Gp.R11, UNIT + i * lanes.bytes()));
      a.vaddps(x, x, other);
      a.vmovups(at(Gp.RAX, i * lanes.bytes()), x);
    }
    a.add(Gp.RAX, UNIT);
    endRotation(loop, heads, tokens);
  }

  /**
   * The same of elements and those half the rotated dimensions on, with bytes from the one of a
   * pair to the other as one more argument. The table has of each 16 pairs their cosines, then
   * their sines.
   */
  void rotateHalves() {
    Label tokens = beginRotation();
    Label heads = a.loop();
    a.mov(Gp.RAX, Gp.RDI);
    a.mov(Gp.R10, Gp.RDI);
    a.add(Gp.R10, Gp.R9);
    a.mov(Gp.R11, Gp.RSI);
    Label loop = a.loop();
    for (int i = 0; i < lanes.registers(); i++) {
      Vector x = register(0);
      Vector y = register(1);
      Vector product = register(2);
      Vector sine = register(3);
      a.vmovups(x, at(Gp.RAX, i * lanes.bytes()));
      a.vmovups(y, at(Gp.R10, i * lanes.bytes()));
      a.vmovups(sine, at(Gp.R11, UNIT + i * lanes.bytes()));
      a.vmulps(product, y, sine);
      a.vmulps(sine, x, sine);
      a.vmulps(x, x, at(Gp.R11, i * lanes.bytes()));
      a.vsubps(x, x, product);
      a.vmovups(at(Gp.RAX, i * lanes.bytes()), x);
      a.vmulps(y, y, at(Gp.R11, i * lanes.bytes()));
      a.vaddps(y, sine, y);
      a.vmovups(at(Gp.R10, i * lanes.bytes()), y);
    }
    a.add(Gp.RAX, UNIT);
    a.add(Gp.R10, UNIT);
    endRotation(loop, heads, tokens);
  }

  /** Leaves the tokens in rbx, and a token's heads in rcx and on the stack. */
  private Label beginRotation() {
    a.push(Gp.RBX);
    split(Gp.RCX, Gp.RCX, Gp.RBX);
    a.push(Gp.RCX);
    return a.loop();
  }

  private void endRotation(Label loop, Label heads, Label tokens) {
    a.add(Gp.R11, 2 * UNIT);
    a.cmp(Gp.R11, Gp.RDX);
    a.jump(Condition.NOT_EQUAL, loop);
    a.add(Gp.RDI, Gp.R8);
    a.dec(Gp.RCX);
    a.jump(Condition.NOT_EQUAL, heads);
    a.mov(Gp.RAX, Gp.RDX);
    a.sub(Gp.RAX, Gp.RSI); // a token's table
    a.mov(Gp.RSI, Gp.RDX);
    a.add(Gp.RDX, Gp.RAX);
    a.pop(Gp.RCX);
    a.push(Gp.RCX);
    a.dec(Gp.RBX);
    a.jump(Condition.NOT_EQUAL, tokens);
    a.pop(Gp.RCX);
    a.pop(Gp.RBX);
    a.endWide();
  }

  /**
   * The largest of each of some vectors; where there is NaN, all bits set: x, units of one vector,
   * vectors, results. In AVX2 whatever the width.
   */
  void max() {
    Lanes half = new Lanes(a, 256);
    Vector[] largest = {Vector.ymm(0), Vector.ymm(1)};
    Vector unordered = Vector.ymm(4);
    Label vectors = a.loop();
    for (Vector register : largest) {
      a.vmovups(register, at(Gp.RDI, 0));
    }
    half.zero(unordered);
    a.mov(Gp.RAX, Gp.RSI);
    Label loop = a.loop();
    for (int i = 0; i < 2; i++) {
      Vector x = Vector.ymm(2 + i);
      a.vmovups(x, at(Gp.RDI, 32 * i));
      a.vmaxps(largest[i], largest[i], x);
      a.vcmpunordps(x, x, x);
      a.vpor(unordered, unordered, x);
    }
    a.add(Gp.RDI, UNIT);
    a.dec(Gp.RAX);
    a.jump(Condition.NOT_EQUAL, loop);
    half.reduce(a::vmaxps, 0, Vector.ymm(2));
    a.vmovmskps(Gp.RAX, unordered);
    a.test(Gp.RAX, Gp.RAX);
    Label ordered = new Label();
    a.jump(Condition.EQUAL, ordered);
    a.mov(Gp.RAX, -1);
    a.vmovd(Vector.xmm(0), Gp.RAX);
    a.bind(ordered);
    a.vmovd(at(Gp.RCX, 0), Vector.xmm(0));
    a.add(Gp.RCX, Float.BYTES);
    a.dec(Gp.RDX);
    a.jump(Condition.NOT_EQUAL, vectors);
    a.endWide();
  }

  /** Sums of 32 int8 each: quants, sums, blocks. In AVX2 whatever the width. */
  void sumBlocks() {
    Vector byteOnes = Vector.ymm(2);
    Vector shortOnes = Vector.ymm(3);
    Vector sums = Vector.ymm(0);
    Vector low = Vector.xmm(0);
    a.repeat(byteOnes, 0x01010101);
    a.repeat(shortOnes, 0x00010001);
    Label loop = a.loop();
    a.vpmaddubsw(sums, byteOnes, at(Gp.RDI, 0));
    a.vpmaddwd(sums, sums, shortOnes);
    a.vextracti128(Vector.xmm(1), sums, 1);
    a.vpaddd(low, low, Vector.xmm(1));
    a.vphaddd(low, low, low);
    a.vphaddd(low, low, low);
    a.vmovd(at(Gp.RSI, 0), low);
    a.add(Gp.RDI, 32);
    a.add(Gp.RSI, 4);
    a.dec(Gp.RDX);
    a.jump(Condition.NOT_EQUAL, loop);
    a.endWide();
  }
}
