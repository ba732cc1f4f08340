package io.ladon.engine.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.RandomAccess;

/**
 * Many strings in one array of bytes, made into {@link String}s only when asked for: a vocabulary
 * has a quarter of a million.
 */
final class StringArray extends AbstractList<String> implements RandomAccess {

  private byte[] bytes = new byte[1024];
  private int[] ends;
  private int size;

  /** An empty array; {@code expected} strings are a hint, so that a false count costs nothing. */
  StringArray(int expected) {
    this.ends = new int[Math.min(expected, 1 << 19)];
  }

  /** Adds the string that {@code source[offset .. offset + length)} encodes. */
  void append(byte[] source, int offset, int length) {
    int start = size == 0 ? 0 : ends[size - 1];
    int end = Math.addExact(start, length);
    if (end > bytes.length) {
      bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(end, 2L * end)));
    }
    System.arraycopy(source, offset, bytes, start, length);
    if (size == ends.length) {
      ends = Arrays.copyOf(ends, Math.max(16, 2 * size));
    }
    ends[size++] = end;
  }

  @Override
  public String get(int index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException("string " + index + " of " + size);
    }
    int start = index == 0 ? 0 : ends[index - 1];
    return new String(bytes, start, ends[index] - start, StandardCharsets.UTF_8);
  }

  @Override
  public int size() {
    return size;
  }
}
