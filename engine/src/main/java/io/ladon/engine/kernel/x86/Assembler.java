package io.ladon.engine.kernel.x86;

/**
 * An assembler of the few x86-64 instructions that the kernels need. A method is an instruction,
 * its arguments are in Intel's order: the destination first.
 */
final class Assembler extends TileInstructions {

  /** Conditions of jumps, as encoded. */
  enum Condition {
    EQUAL(4),
    NOT_EQUAL(5),
    BELOW_OR_EQUAL(6),
    /** Of signed numbers, as those that follow. */
    LESS(12),
    GREATER_OR_EQUAL(13),
    LESS_OR_EQUAL(14);

    private final int number;

    Condition(int number) {
      this.number = number;
    }
  }

  byte[] toBytes() {
    return code().toBytes();
  }

  /** Aligns to where a function may begin, and says where that is. */
  int align() {
    code().align(64);
    return code().size();
  }

  // Integers, all of 64 bits.

  void mov(Gp to, Gp from) {
    integer(0x89, from, to);
  }

  void mov(Gp to, Memory from) {
    integer(0x8B, to, from);
  }

  void mov(Memory to, Gp from) {
    integer(0x89, from, to);
  }

  void mov(Gp to, int value) {
    integer(0xC7, 0, to);
    code().putInt(value);
  }

  void movabs(Gp to, long value) {
    code().putByte(0x48 | to.number() >> 3);
    code().putByte(0xB8 | (to.number() & 7));
    code().putInt((int) value);
    code().putInt((int) (value >> 32));
  }

  void add(Gp to, Gp from) {
    integer(0x01, from, to);
  }

  void add(Gp to, Memory from) {
    integer(0x03, to, from);
  }

  void add(Gp to, int value) {
    immediate(0, to, value);
  }

  void sub(Gp to, int value) {
    immediate(5, to, value);
  }

  void sub(Gp to, Gp from) {
    integer(0x29, from, to);
  }

  void and(Gp to, int value) {
    immediate(4, to, value);
  }

  void cmp(Gp left, Memory right) {
    integer(0x3B, left, right);
  }

  void cmp(Gp left, Gp right) {
    integer(0x39, right, left);
  }

  void cmp(Gp left, int value) {
    immediate(7, left, value);
  }

  /** The low 64 bits of a product. */
  void imul(Gp to, Gp from) {
    integer(0x0F, 0xAF, to, from);
  }

  /** The same with a factor of at most 31 bits. */
  void imul(Gp to, Gp from, int factor) {
    integer(0x69, to, from);
    code().putInt(factor);
  }

  void shl(Gp to, int bits) {
    shift(4, to, bits);
  }

  /** Shifts a signed number to the right. */
  void sar(Gp to, int bits) {
    shift(7, to, bits);
  }

  private void shift(int extension, Gp to, int bits) {
    integer(0xC1, extension, to);
    code().putByte(bits);
  }

  /** A signed number of 32 bits. */
  void movsxd(Gp to, Memory from) {
    integer(0x63, to, from);
  }

  /** Copies rcx times 4 bytes from rsi to rdi. */
  void repMovsd() {
    code().putByte(0xF3);
    code().putByte(0xA5);
  }

  void dec(Gp to) {
    integer(0xFF, 1, to);
  }

  void test(Gp left, Gp right) {
    integer(0x85, right, left);
  }

  private void immediate(int extension, Gp to, int value) {
    if ((byte) value == value) {
      integer(0x83, extension, to);
      code().putByte(value);
    } else if (to == Gp.RAX) {
      code().putByte(0x48); // the accumulator's own, shorter form
      code().putByte((extension << 3) | 5);
      code().putInt(value);
    } else {
      integer(0x81, extension, to);
      code().putInt(value);
    }
  }

  void push(Gp from) {
    stack(0x50, from);
  }

  void pop(Gp to) {
    stack(0x58, to);
  }

  private void stack(int opcode, Gp register) {
    if (register.number() >= 8) {
      code().putByte(0x41);
    }
    code().putByte(opcode | (register.number() & 7));
  }

  // Control.

  void bind(Label label) {
    code().bind(label);
  }

  /** A label here, aligned as the head of a loop. */
  Label loop() {
    code().align(32);
    Label label = new Label();
    bind(label);
    return label;
  }

  void jmp(Label to) {
    code().putByte(0xE9);
    code().putDistance(to);
  }

  void jump(Condition when, Label to) {
    code().putByte(0x0F);
    code().putByte(0x80 | when.number);
    code().putDistance(to);
  }

  /** {@code x = max(x, least)}, of signed numbers. */
  void atLeast(Gp x, Gp least) {
    moveUnless(Condition.GREATER_OR_EQUAL, x, least);
  }

  /** {@code x = min(x, most)}, of signed numbers. */
  void atMost(Gp x, Gp most) {
    moveUnless(Condition.LESS_OR_EQUAL, x, most);
  }

  private void moveUnless(Condition condition, Gp to, Gp from) {
    Label done = new Label();
    cmp(to, from);
    jump(condition, done);
    mov(to, from);
    bind(done);
  }

  void call(Label to) {
    code().putByte(0xE8);
    code().putDistance(to);
  }

  void call(Memory addressOfTarget) {
    memoryOnly(0, 0xFF, 2, addressOfTarget);
  }

  void ret() {
    code().putByte(0xC3);
  }

  /** Returns from a function that has used wide registers. */
  void endWide() {
    vzeroupper();
    ret();
  }

  /** A number of 4 bytes to every lane. Overwrites rax. */
  void repeat(Vector to, int value) {
    mov(Gp.RAX, value);
    if (to.bits() == 512) {
      vpbroadcastd(to, Gp.RAX);
    } else {
      Vector low = Vector.xmm(to.number());
      vmovd(low, Gp.RAX);
      vpbroadcastd(to, low);
    }
  }

  void prefetcht0(Memory line) {
    memoryOnly(1, 0x18, 1, line);
  }

  void prefetcht1(Memory line) {
    memoryOnly(1, 0x18, 2, line);
  }

  /** Takes a line out of all caches, some time before the next {@link #mfence}. */
  void clflushopt(Memory line) {
    code().putByte(0x66);
    memoryOnly(1, 0xAE, 7, line);
  }

  /** Waits until all loads, stores and flushes before it are done. */
  void mfence() {
    code().putByte(0x0F);
    code().putByte(0xAE);
    code().putByte(0xF0);
  }

  void syscall() {
    code().putByte(0x0F);
    code().putByte(0x05);
  }

  void cpuid() {
    code().putByte(0x0F);
    code().putByte(0xA2);
  }

  void xgetbv() {
    code().putByte(0x0F);
    code().putByte(0x01);
    code().putByte(0xD0);
  }

  /** Without it, the caller's SSE instructions would be slow after our wide ones. */
  void vzeroupper() {
    code().putByte(0xC5);
    code().putByte(0xF8);
    code().putByte(0x77);
  }
}
