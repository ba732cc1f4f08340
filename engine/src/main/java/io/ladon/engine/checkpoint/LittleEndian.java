package io.ladon.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes values as a GGUF header holds them. */
final class LittleEndian {

  private LittleEndian() {}

  static void writeInt(ByteArrayOutputStream out, int value) {
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      out.write(value >>> shift);
    }
  }

  static void writeLong(ByteArrayOutputStream out, long value) {
    writeInt(out, (int) value);
    writeInt(out, (int) (value >>> Integer.SIZE));
  }

  /** The number of bytes, then the string as UTF-8. */
  static void writeString(ByteArrayOutputStream out, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    writeLong(out, bytes.length);
    out.writeBytes(bytes);
  }
}
