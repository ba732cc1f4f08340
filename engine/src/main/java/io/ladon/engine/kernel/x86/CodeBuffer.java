package io.ladon.engine.kernel.x86;

import java.util.Arrays;

/** Bytes of code that grow, and the distances of jumps. */
final class CodeBuffer {

  private static final byte NOP = (byte) 0x90;

  private byte[] bytes = new byte[4096];
  private int size;

  int size() {
    return size;
  }

  /** Takes back what came after the first {@code to} bytes. */
  void shrink(int to) {
    size = to;
  }

  void putByte(int value) {
    if (size == bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * size);
    }
    bytes[size++] = (byte) value;
  }

  void putInt(int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      putByte(value >> shift);
    }
  }

  /** Ends an instruction with the distance to a label, now or when the label is bound. */
  void putDistance(Label label) {
    if (label.position() == Label.UNBOUND) {
      label.jumps().add(size);
      putInt(0);
    } else {
      putInt(label.position() - (size + 4));
    }
  }

  void bind(Label label) {
    label.bind(size);
    for (int jump : label.jumps()) {
      int distance = size - (jump + 4);
      for (int i = 0; i < 4; i++) {
        bytes[jump + i] = (byte) (distance >> (8 * i));
      }
    }
  }

  /** Fills up to a multiple of {@code alignment}, so that what follows is fetched at once. */
  void align(int alignment) {
    while (size % alignment != 0) {
      putByte(NOP);
    }
  }

  byte[] toBytes() {
    return Arrays.copyOf(bytes, size);
  }
}
