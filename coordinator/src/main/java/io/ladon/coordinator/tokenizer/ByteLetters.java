package io.ladon.coordinator.tokenizer;

import java.util.Arrays;

/**
 * GPT-2's way of writing bytes as letters: printable Latin-1 stands for itself, every other byte
 * for the next letter from U+0100 on, so that names of tokens are readable text without spaces.
 */
final class ByteLetters {

  private static final char[] LETTERS = new char[256];
  private static final short[] BYTES = new short[512]; // of a letter, or -1

  static {
    Arrays.fill(BYTES, (short) -1);
    int others = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable =
          (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
      LETTERS[b] = (char) (printable ? b : others++);
      BYTES[LETTERS[b]] = (short) b;
    }
  }

  private ByteLetters() {}

  /** The letter that stands for a byte. */
  static char letter(byte b) {
    return LETTERS[b & 0xFF];
  }

  /** The letter that stands for a byte, as UTF-8. */
  static byte[] name(int b) {
    byte[] name = new byte[2];
    int length = CodePoints.encode(LETTERS[b], name, 0);
    return Arrays.copyOf(name, length);
  }

  /** The bytes that a token's name stands for; what is no letter of ours stands for itself. */
  static byte[] decode(String name) {
    byte[] bytes = new byte[4 * name.length()];
    int length = 0;
    for (int c : CodePoints.of(name)) {
      if (c < BYTES.length && BYTES[c] >= 0) {
        bytes[length++] = (byte) BYTES[c];
      } else {
        length = CodePoints.encode(c, bytes, length);
      }
    }
    return Arrays.copyOf(bytes, length);
  }
}
