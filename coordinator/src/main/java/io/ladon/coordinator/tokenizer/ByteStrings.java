package io.ladon.coordinator.tokenizer;

import java.util.Arrays;

/**
 * Numbered byte strings and the way back from bytes to number: one array of bytes and an open hash
 * table, so that a vocabulary of a quarter of a million tokens costs a few megabytes and no
 * objects.
 */
final class ByteStrings {

  private byte[] bytes;
  private int[] starts; // (size + 1), start of each string in bytes
  private int size;
  private int[] slots; // number + 1, or 0 for a free slot; a power of two long
  private int longest;

  ByteStrings(int expected) {
    bytes = new byte[Math.max(64, expected * 8)];
    starts = new int[expected + 1];
    slots = new int[Integer.highestOneBit(Math.max(16, expected * 2)) * 2];
  }

  int size() {
    return size;
  }

  /** Bytes of the longest string. */
  int longest() {
    return longest;
  }

  int length(int number) {
    return starts[number + 1] - starts[number];
  }

  byte[] get(int number) {
    return Arrays.copyOfRange(bytes, starts[number], starts[number + 1]);
  }

  byte byteAt(int number, int index) {
    return bytes[starts[number] + index];
  }

  /** Adds a string under the next number. If it was there already, the new number is found. */
  int add(byte[] text) {
    int number = append(text, 0, text.length);
    int slot = slotOf(text, 0, text.length);
    slots[slot] = number + 1;
    return number;
  }

  /** The number of a string, which is added if it is not there. */
  int intern(byte[] text, int from, int length) {
    int slot = slotOf(text, from, length);
    if (slots[slot] != 0) {
      return slots[slot] - 1;
    }
    int number = append(text, from, length);
    slots[slotOf(text, from, length)] = number + 1; // append may have moved the slots
    return number;
  }

  /** The number of a string, or -1. */
  int find(byte[] text, int from, int length) {
    if (length > longest) {
      return -1;
    }
    return slots[slotOf(text, from, length)] - 1;
  }

  private int append(byte[] text, int from, int length) {
    int start = starts[size];
    if (start + length > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(start + length, bytes.length + (bytes.length >> 1)));
    }
    if (size + 2 > starts.length) {
      starts = Arrays.copyOf(starts, starts.length + (starts.length >> 1) + 2);
    }
    if (size * 2 >= slots.length) {
      grow();
    }
    System.arraycopy(text, from, bytes, start, length);
    longest = Math.max(longest, length);
    starts[++size] = start + length;
    return size - 1;
  }

  private void grow() {
    int[] old = slots;
    slots = new int[old.length * 2];
    for (int entry : old) {
      if (entry != 0) {
        int number = entry - 1;
        slots[slotOf(bytes, starts[number], length(number))] = entry;
      }
    }
  }

  /** The slot that holds this string, or the free one where it would go. */
  private int slotOf(byte[] text, int from, int length) {
    int hash = 0;
    for (int i = from; i < from + length; i++) {
      hash = hash * 31 + text[i];
    }
    hash *= 0x9E3779B9;
    int mask = slots.length - 1;
    int slot = (hash ^ (hash >>> 15)) & mask;
    while (slots[slot] != 0) {
      int number = slots[slot] - 1;
      if (Arrays.equals(bytes, starts[number], starts[number + 1], text, from, from + length)) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
