package io.ladon.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;

/** Lays out GGUF bytes by hand. */
final class Bytes {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  static Bytes header(int version, long tensors, long keys) {
    return new Bytes().ascii("GGUF").u32(version).u64(tensors).u64(keys);
  }

  Bytes ascii(String text) {
    for (int i = 0; i < text.length(); i++) {
      out.write(text.charAt(i));
    }
    return this;
  }

  Bytes u8(int... values) {
    for (int value : values) {
      out.write(value);
    }
    return this;
  }

  Bytes u16(int value) {
    return u8(value, value >> 8);
  }

  Bytes u32(int value) {
    LittleEndian.writeInt(out, value);
    return this;
  }

  Bytes u64(long value) {
    LittleEndian.writeLong(out, value);
    return this;
  }

  Bytes string(String text) {
    LittleEndian.writeString(out, text);
    return this;
  }

  /** A key and the number of its value's type. */
  Bytes key(String key, int type) {
    return string(key).u32(type);
  }

  /** A key, and the head of the array that is its value. */
  Bytes array(String key, int elementType, long elements) {
    return key(key, 9).u32(elementType).u64(elements);
  }

  /** The description of a tensor; columns first. */
  Bytes tensor(String name, int type, long offset, long... dimensions) {
    string(name).u32(dimensions.length);
    for (long dimension : dimensions) {
      u64(dimension);
    }
    return u32(type).u64(offset);
  }

  Bytes zeros(int count) {
    out.writeBytes(new byte[count]);
    return this;
  }

  byte[] array() {
    return out.toByteArray();
  }

  MemorySegment segment() {
    return MemorySegment.ofArray(array());
  }
}
