package io.ladon.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads little-endian values one after another. Bytes come through a window on the heap: reading a
 * mapped segment value by value is slow until it has been compiled, and headers are read once, when
 * nothing is.
 */
final class HeaderReader {

  private static final int WINDOW = 1 << 20;

  private final MemorySegment source;
  private byte[] window = new byte[0];
  private long windowStart;
  private int windowLength;
  private int cursor;

  HeaderReader(MemorySegment source) {
    this.source = source;
  }

  /** Offset of the next byte. */
  long position() {
    return windowStart + cursor;
  }

  /** Bytes from here to the end. */
  long remaining() {
    return source.byteSize() - position();
  }

  /** A copy of the bytes {@code [begin, end)} of the source. */
  byte[] copy(long begin, long end) {
    return source.asSlice(begin, end - begin).toArray(ValueLayout.JAVA_BYTE);
  }

  int readByte(String what) throws CheckpointException {
    require(1, what);
    return window[cursor++];
  }

  int readShort(String what) throws CheckpointException {
    require(2, what);
    int value = (window[cursor] & 0xff) | window[cursor + 1] << 8;
    cursor += 2;
    return value;
  }

  int readInt(String what) throws CheckpointException {
    require(4, what);
    int value = intAt(cursor);
    cursor += 4;
    return value;
  }

  long readLong(String what) throws CheckpointException {
    require(8, what);
    long value = (intAt(cursor) & 0xffffffffL) | (long) intAt(cursor + 4) << 32;
    cursor += 8;
    return value;
  }

  float readFloat(String what) throws CheckpointException {
    return Float.intBitsToFloat(readInt(what));
  }

  double readDouble(String what) throws CheckpointException {
    return Double.longBitsToDouble(readLong(what));
  }

  /** A string with its length before it; malformed UTF-8 is refused. */
  String readString(String what) throws CheckpointException {
    long start = position();
    int length = readLength(what);
    ByteBuffer bytes = ByteBuffer.wrap(window, cursor, length);
    cursor += length;
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new CheckpointException("byte %d: %s is not UTF-8".formatted(start, what), e);
    }
  }

  /** Adds the next string to {@code strings}. */
  void readInto(StringArray strings, String what) throws CheckpointException {
    int length = readLength(what);
    strings.append(window, cursor, length);
    cursor += length;
  }

  /**
   * A number of things that take at least {@code bytesEach} bytes each, all within the file: so
   * nothing is allocated for a count that cannot be true.
   */
  int readCount(int bytesEach, String what) throws CheckpointException {
    long start = position();
    long count = readLong(what);
    if (count < 0 || count > remaining() / bytesEach || count > Integer.MAX_VALUE - 8) {
      throw new CheckpointException(
          "byte %d: %s is %s, but only %d bytes follow"
              .formatted(start, what, Long.toUnsignedString(count), remaining()));
    }
    return (int) count;
  }

  /** Reads a string's length and brings all of the string into the window. */
  private int readLength(String what) throws CheckpointException {
    long start = position();
    long length = readLong(what);
    if (length < 0 || length > remaining() || length > Integer.MAX_VALUE - 8) {
      throw new CheckpointException(
          "byte %d: %s has a length of %s bytes, but only %d follow"
              .formatted(start, what, Long.toUnsignedString(length), remaining()));
    }
    require((int) length, what);
    return (int) length;
  }

  private int intAt(int i) {
    return (window[i] & 0xff)
        | (window[i + 1] & 0xff) << 8
        | (window[i + 2] & 0xff) << 16
        | window[i + 3] << 24;
  }

  private void require(int bytes, String what) throws CheckpointException {
    if (bytes <= windowLength - cursor) {
      return;
    }
    long position = position();
    if (bytes > remaining()) {
      throw new CheckpointException(
          "byte %d: truncated: %s needs %d bytes, but only %d follow"
              .formatted(position, what, bytes, remaining()));
    }
    int length = (int) Math.min(remaining(), Math.max(bytes, WINDOW));
    if (length > window.length) {
      window = new byte[length];
    }
    MemorySegment.copy(source, position, MemorySegment.ofArray(window), 0, length);
    windowStart = position;
    windowLength = length;
    cursor = 0;
  }
}
